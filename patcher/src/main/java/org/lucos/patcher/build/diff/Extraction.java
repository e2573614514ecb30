package org.lucos.patcher.build.diff;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.lucos.patcher.build.PatchVariant.CallbackKind;

/** What a change did to one C file: the parts of the patched object that are to be loaded. */
public final class Extraction {
  /**
   * A function to be replaced.
   *
   * @param name in the original object
   * @param local whether only its own file sees it
   * @param fragment its new code
   * @param oldParts symbols in the original object of more code that belongs to it, see {@link
   *     OldParts}
   * @param newParts fragments split off the new one
   */
  record Replaced(
      String name, boolean local, int fragment, List<String> oldParts, List<Integer> newParts) {}

  /** A function the original does not have, or none that could be redirected. */
  record Added(String name, int fragment, long size) {}

  /** Something new whose address the patched code gives away. */
  record Escaping(int fragment, String detail) {}

  /**
   * What other files of the same patch may refer to.
   *
   * @param fragment that has it
   * @param replaced whether the running kernel has one of that name in this file
   * @param toModules whether it is exported, and was not
   */
  record Exported(int fragment, boolean replaced, boolean toModules) {}

  /**
   * A callback.
   *
   * @param function its author's
   * @param run fragment that calls it
   * @param slot fragment that tells how far it has got
   */
  record Callback(CallbackKind kind, String function, int run, int slot) {}

  private final String object;
  private final ImmutableList<Fragment> fragments;
  private final ImmutableList<Replaced> replaced;
  private final ImmutableList<Added> added;
  private final ImmutableList<Escaping> escaping;
  private final ImmutableMap<String, Exported> exported;
  private final ImmutableList<Callback> callbacks;
  private final ImmutableList<String> leftOut;

  Extraction(
      String object,
      List<Fragment> fragments,
      List<Replaced> replaced,
      List<Added> added,
      List<Escaping> escaping,
      Map<String, Exported> exported,
      List<Callback> callbacks,
      Collection<String> leftOut) {
    this.object = object;
    this.fragments = ImmutableList.copyOf(fragments);
    this.replaced = ImmutableList.copyOf(replaced);
    this.added = ImmutableList.copyOf(added);
    this.escaping = ImmutableList.copyOf(escaping);
    this.exported = ImmutableMap.copyOf(exported);
    this.callbacks = ImmutableList.copyOf(callbacks);
    this.leftOut = ImmutableList.copyOf(leftOut);
  }

  /** The C file's object, such as {@code net/ipv4/tcp_input.o}. */
  public String object() {
    return object;
  }

  /** Whether there is nothing to load: the change makes no difference to the running kernel. */
  public boolean isEmpty() {
    return fragments.isEmpty();
  }

  /** Names of the functions that are to be replaced. */
  public List<String> replacedFunctions() {
    return replaced.stream().map(Replaced::name).toList();
  }

  /** Names of the functions that are new. */
  public List<String> newFunctions() {
    return added.stream().map(Added::name).toList();
  }

  /**
   * What the change has no effect on: {@code boot code NAME} that it reaches through a header,
   * {@code export of NAME} that is new.
   */
  public List<String> leftOut() {
    return leftOut;
  }

  List<Fragment> fragments() {
    return fragments;
  }

  List<Replaced> replaced() {
    return replaced;
  }

  List<Added> added() {
    return added;
  }

  List<Escaping> escaping() {
    return escaping;
  }

  Map<String, Exported> exported() {
    return exported;
  }

  List<Callback> callbacks() {
    return callbacks;
  }
}
