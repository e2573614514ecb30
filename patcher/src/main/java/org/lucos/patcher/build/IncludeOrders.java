package org.lucos.patcher.build;

import com.google.common.collect.ImmutableSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.patcher.build.KernelObjects.KernelObject;

/**
 * The directories that compile lines search for headers, in all the orders there are; of the source
 * and of the output directory, each named by its path from there.
 */
record IncludeOrders(Set<List<String>> orders) {
  private static final Pattern SEARCHED = Pattern.compile("(?<= )-I *(\\S+)");

  IncludeOrders {
    orders = ImmutableSet.copyOf(orders);
  }

  /** Reads the lines of all objects, which name directories of {@code source} by whole paths. */
  static IncludeOrders of(KernelObjects objects, Path source) {
    Set<List<String>> orders = new LinkedHashSet<>();
    for (KernelObject object : objects.objects().values()) {
      List<String> order = new ArrayList<>();
      Matcher searched = SEARCHED.matcher(object.command());
      while (searched.find()) {
        Path directory = source.relativize(source.resolve(searched.group(1))).normalize();
        order.add(directory.toString());
      }
      orders.add(List.copyOf(order));
    }
    return new IncludeOrders(orders);
  }

  /**
   * A header that some file finds by the name of {@code header} where that is not there.
   *
   * @param header a path from the source's root, whether it is there or not
   * @param there whether there is a file
   */
  Optional<String> behind(String header, Predicate<String> there) {
    for (List<String> order : orders) {
      for (int i = 0; i < order.size(); i++) {
        if (!header.startsWith(order.get(i) + "/")) {
          continue;
        }
        String end = header.substring(order.get(i).length());
        boolean hidden = order.subList(0, i).stream().anyMatch(before -> there.test(before + end));
        Optional<String> behind =
            order.subList(i + 1, order.size()).stream()
                .map(after -> after + end)
                .filter(file -> !file.equals(header) && there.test(file))
                .findFirst();
        if (!hidden && behind.isPresent()) {
          return behind;
        }
      }
    }
    return Optional.empty();
  }
}
