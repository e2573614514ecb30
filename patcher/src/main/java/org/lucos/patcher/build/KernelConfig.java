package org.lucos.patcher.build;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A kernel configuration: {@code CONFIG_NAME=value} lines. Options "not set" are not in the map.
 *
 * @param values by name with {@code CONFIG_}, values as written, strings with their quotes
 */
record KernelConfig(Map<String, String> values) {

  /** Reads a {@code .config}. */
  static KernelConfig parse(String text) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String line : text.split("\n", -1)) {
      int equals = line.indexOf('=');
      if (line.startsWith("CONFIG_") && equals > 0) {
        values.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    return new KernelConfig(values);
  }

  /** A string option without its quotes. */
  Optional<String> string(String name) {
    return Optional.ofNullable(values.get(name)).map(KernelConfig::unquote);
  }

  /**
   * The first option that this configuration sets and {@code other} sets otherwise or not at all.
   * Options that only tell which tools were found when the kernel was configured do not count.
   *
   * @param anyCompiler whether what only tells of the compiler does not count either
   */
  Optional<String> firstLost(KernelConfig other, boolean anyCompiler) {
    for (Map.Entry<String, String> entry : values.entrySet()) {
      String name = entry.getKey();
      boolean counts = !tellsOfTools(name) && !(anyCompiler && tellsOfCompiler(name));
      if (counts && !entry.getValue().equals(other.values.get(name))) {
        return Optional.of(name + "=" + entry.getValue());
      }
    }
    return Optional.empty();
  }

  private static boolean tellsOfCompiler(String name) {
    return name.equals("CONFIG_CC_VERSION_TEXT")
        || name.equals("CONFIG_GCC_VERSION")
        || name.endsWith("_NO_ARRAY_BOUNDS");
  }

  private static boolean tellsOfTools(String name) {
    return name.startsWith("CONFIG_RUST")
        || name.startsWith("CONFIG_PAHOLE_VERSION")
        || name.startsWith("CONFIG_BINDGEN");
  }

  private static String unquote(String value) {
    boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
    return quoted ? value.substring(1, value.length() - 1).replace("\\\"", "\"") : value;
  }
}
