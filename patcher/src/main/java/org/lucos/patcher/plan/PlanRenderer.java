package org.lucos.patcher.plan;

import java.util.List;
import java.util.stream.Collectors;
import org.lucos.bridge.addr.AddressRange;

/** A plan as text for people: the same plan always gives the same text. */
public final class PlanRenderer {
  private PlanRenderer() {}

  /** Renders a plan; every line ends with a newline. */
  public static String render(PatchPlan plan) {
    StringBuilder text = new StringBuilder();
    line(
        text,
        "patch",
        plan.patch() + (plan.description().isEmpty() ? "" : ": " + plan.description()));
    if (!plan.fixes().isEmpty()) {
      line(text, "fixes", String.join(", ", plan.fixes()));
    }
    line(text, "kernel", plan.kernel().release() + ", build-id " + plan.kernel().buildId());
    line(text, "module", plan.module());
    for (PlannedFunction function : plan.functions()) {
      line(text, "function", function.name() + " of " + function.object());
      line(text, "  code", range(function.code()));
      for (AddressRange part : function.parts()) {
        line(text, "  part", range(part));
      }
      line(
          text,
          "  site",
          function.site()
              + " (+0x"
              + Long.toHexString(function.siteOffset())
              + "): "
              + spaced(function.original().toHex())
              + ", instructions of "
              + function.taken()
              + " bytes, become a jump to "
              + function.replacement());
    }
    plan.warnings().forEach(warning -> line(text, "warning", warning));
    return text.toString();
  }

  private static void line(StringBuilder text, String label, String value) {
    text.append(String.format("%-10s%s%n", label, value.replaceAll("\\R", " ")));
  }

  private static String range(AddressRange range) {
    return range.start() + ", " + range.size() + " bytes";
  }

  private static String spaced(String hex) {
    return List.of(hex.split("(?<=\\G..)", -1)).stream()
        .filter(pair -> !pair.isEmpty())
        .collect(Collectors.joining(" "));
  }
}
