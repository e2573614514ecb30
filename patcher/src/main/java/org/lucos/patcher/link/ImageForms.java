package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.insn.Instruction.Kind;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.link.ImageSites.Replacement;
import org.lucos.patcher.link.ImageSites.Site;

/**
 * Whether what stands at a place of the running kernel is what the kernel may have put there: the
 * image's own instructions or one of the replacements, instruction by instruction, whatever NOPs
 * fill the rest. Calls and jumps must lead where the kernel would have them lead.
 */
final class ImageForms {
  private static final byte[] LFENCE = {0x0f, (byte) 0xae, (byte) 0xe8};
  private static final List<String> REGISTERS =
      List.of(
          "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
          "r13", "r14", "r15");
  private static final Pattern INDIRECT_THUNK =
      Pattern.compile("__x86_indirect_(?:call_|jump_|its_)?thunk_(r[a-z0-9]{1,2})");
  private static final Set<String> DOES_NOTHING =
      Set.of("_paravirt_nop", "paravirt_nop", "nop_func");

  private final RunningKernel kernel;
  private final ImageSites sites;
  private final Set<Long> tracers;
  private final Map<Long, Boolean> functions = new java.util.HashMap<>();

  /**
   * @param tracers where calls from functions' beginnings may lead
   */
  ImageForms(RunningKernel kernel, ImageSites sites, Set<Long> tracers) {
    this.kernel = kernel;
    this.sites = sites;
    this.tracers = Set.copyOf(tracers);
  }

  /** One instruction that does something, and where it is. */
  @SuppressWarnings("ArrayRecordComponent") // private, and nobody changes it
  private record Step(long address, byte[] bytes, Instruction instruction) {}

  /** Whether the kernel may have put these bytes at a place. */
  boolean allows(Site site, byte[] live) {
    return switch (site.kind()) {
      case ALTERNATIVE, PARAVIRT, RETPOLINE -> rewritten(site, live);
      case RETURN -> forms(site, live) && (live[0] != (byte) 0xe9 || leadsTo(site, live, "return"));
      case STATIC_CALL -> forms(site, live) && leadsToFunction(site, live);
      case FENTRY -> forms(site, live) && isTraced(site, live);
      case RUNTIME_POINTER, RUNTIME_SHIFT ->
          Arrays.equals(
              live,
              kernel
                  .memory()
                  .bytes(new GuestVirtualAddress(site.target().orElseThrow()), live.length));
      case JUMP_LABEL, ENDBR, LOCK_PREFIX -> forms(site, live);
    };
  }

  private static boolean forms(Site site, byte[] live) {
    Rewrite rewrite = new Rewrite(0, 0, site.length(), site.kind(), Optional.empty());
    return RewriteForms.allows(rewrite, live, 0, site.start(), site.target());
  }

  private boolean leadsTo(Site site, byte[] live, String what) {
    return target(site, live).filter(name -> name.contains(what + "_thunk")).isPresent();
  }

  private Optional<String> target(Site site, byte[] live) {
    var target = Decoder.decode(live, 0, site.start()).target();
    return target.isPresent() ? symbolAt(target.getAsLong()) : Optional.empty();
  }

  private boolean leadsToFunction(Site site, byte[] live) {
    var target = Decoder.decode(live, 0, site.start()).target();
    return target.isEmpty() || isFunction(target.getAsLong());
  }

  private boolean isFunction(long address) {
    return functions.computeIfAbsent(address, this::looksLikeFunction);
  }

  private boolean looksLikeFunction(long address) {
    if (kernel.text().contains(address)) {
      return symbolAt(address).isPresent();
    }
    GuestVirtualAddress at = new GuestVirtualAddress(address);
    return kernel.modules().stream().anyMatch(module -> module.containsText(at));
  }

  private boolean isTraced(Site site, byte[] live) {
    var target = Decoder.decode(live, 0, site.start()).target();
    return target.isEmpty() || tracers.contains(target.getAsLong());
  }

  private Optional<String> symbolAt(long address) {
    GuestVirtualAddress at = new GuestVirtualAddress(address);
    return kernel
        .symbols()
        .enclosing(at)
        .filter(symbol -> symbol.address().equals(at))
        .map(KernelSymbol::name);
  }

  private boolean rewritten(Site site, byte[] live) {
    Optional<List<Step>> found = steps(live, site.start());
    if (found.isEmpty()) {
      return false;
    }
    List<Replacement> candidates = new ArrayList<>(site.replacements());
    candidates.add(new Replacement(site.start(), site.length()));
    for (Replacement candidate : candidates) {
      byte[] code = sites.bytes(candidate.address(), candidate.length());
      Optional<List<Step>> wanted = steps(code, candidate.address());
      if (wanted.isPresent() && same(wanted.get(), found.get(), site, candidate)) {
        return true;
      }
    }
    return false;
  }

  private boolean same(List<Step> wanted, List<Step> found, Site site, Replacement candidate) {
    if (found.isEmpty() && wanted.size() == 1) {
      return pointer(wanted.get(0))
          .flatMap(this::symbolAt)
          .filter(DOES_NOTHING::contains)
          .isPresent();
    }
    if (wanted.size() != found.size()) {
      return false;
    }
    for (int i = 0; i < wanted.size(); i++) {
      if (!same(wanted.get(i), found.get(i), site, candidate)) {
        return false;
      }
    }
    return true;
  }

  private boolean same(Step wanted, Step found, Site site, Replacement candidate) {
    Kind kind = wanted.instruction.kind();
    var target = wanted.instruction.target();
    if (target.isPresent() && found.instruction.target().isPresent()) {
      long to = target.getAsLong();
      boolean inside = to >= candidate.address() && to <= candidate.address() + candidate.length();
      long moved = inside ? to - candidate.address() + site.start() : to;
      return kind == found.instruction.kind() && found.instruction.target().getAsLong() == moved;
    }
    if (Arrays.equals(wanted.bytes, found.bytes)) {
      return true;
    }
    if (target.isPresent()) {
      Optional<String> name = symbolAt(target.getAsLong());
      return isThroughRegister(name, kind, found)
          || (name.filter(n -> n.contains("return_thunk")).isPresent()
              && found.instruction.kind() == Kind.RETURN);
    }
    Optional<Long> pointer = pointer(wanted);
    if (pointer.isPresent() && found.instruction.kind() == Kind.CALL) {
      return found.instruction.target().getAsLong() == pointer.get();
    }
    return sameButLock(wanted.bytes, found.bytes) || sameButDistance(wanted, found);
  }

  /** What {@code call *distance(%rip)} calls; empty for anything else. */
  private Optional<Long> pointer(Step step) {
    byte[] code = step.bytes;
    int at = code.length - 6;
    boolean call =
        step.instruction.kind() == Kind.INDIRECT_CALL
            && at >= 0
            && code[at] == (byte) 0xff
            && code[at + 1] == 0x15;
    return call
        ? Optional.of(
            kernel
                .memory()
                .u64(new GuestVirtualAddress(step.address + code.length + i32(code, at + 2))))
        : Optional.empty();
  }

  /** {@code call *%reg} or {@code jmp *%reg} in the place of a call or jump of its thunk. */
  private static boolean isThroughRegister(Optional<String> thunk, Kind kind, Step found) {
    Matcher name = INDIRECT_THUNK.matcher(thunk.orElse(""));
    if (!name.matches()) {
      return false;
    }
    int register = REGISTERS.indexOf(name.group(1));
    byte[] code = found.bytes;
    int at = code.length - 2;
    boolean call = kind == Kind.CALL && found.instruction.kind() == Kind.INDIRECT_CALL;
    boolean jump = kind == Kind.JUMP && found.instruction.kind() == Kind.INDIRECT_JUMP;
    return (call || jump)
        && at >= 0
        && code[at] == (byte) 0xff
        && (code[at + 1] & 0xff) == (call ? 0xd0 : 0xe0) + (register & 7)
        && (register < 8) == (at == 0 || code[at - 1] != 0x41);
  }

  private static boolean sameButLock(byte[] wanted, byte[] found) {
    return wanted.length == found.length
        && wanted[0] == (byte) 0xf0
        && found[0] == 0x3e
        && Arrays.equals(wanted, 1, wanted.length, found, 1, found.length);
  }

  /** An operand relative to the instruction, which was moved with it. */
  private static boolean sameButDistance(Step wanted, Step found) {
    if (wanted.bytes.length != found.bytes.length) {
      return false;
    }
    long moved = wanted.address - found.address;
    for (int at = 1; at + 4 <= wanted.bytes.length; at++) {
      byte[] fixed = wanted.bytes.clone();
      int value = (int) (i32(fixed, at) + moved);
      for (int i = 0; i < 4; i++) {
        fixed[at + i] = (byte) (value >>> (8 * i));
      }
      if (Arrays.equals(fixed, found.bytes)) {
        return true;
      }
    }
    return false;
  }

  /** What code does; without what does nothing. Empty if it is no code. */
  private static Optional<List<Step>> steps(byte[] code, long address) {
    List<Step> steps = new ArrayList<>();
    boolean reached = true;
    for (int at = 0; at < code.length; ) {
      Instruction next = Decoder.decode(code, at, address + at);
      if (!next.known()) {
        return Optional.empty();
      }
      byte[] bytes = Arrays.copyOfRange(code, at, at + next.length());
      boolean filler = next.kind() == Kind.BREAKPOINT && !reached;
      int over = overFiller(code, at, address, next);
      if (over > 0) {
        at = over;
        continue;
      }
      if (next.kind() != Kind.NOP && !filler && !Arrays.equals(bytes, LFENCE)) {
        steps.add(new Step(address + at, bytes, next));
        reached = next.fallsThrough();
      }
      at += next.length();
    }
    return Optional.of(steps);
  }

  /** Where a jump leads that only skips NOPs or int3; else 0. */
  private static int overFiller(byte[] code, int at, long address, Instruction next) {
    if (next.kind() != Kind.JUMP) {
      return 0;
    }
    long to = next.target().orElseThrow() - address;
    if (to <= at || to > code.length) {
      return 0;
    }
    for (int i = at + next.length(); i < to; ) {
      Instruction skipped = Decoder.decode(code, i, address + i);
      // NOPs in a stretch that is jumped over become such a jump themselves
      boolean within =
          skipped.kind() == Kind.JUMP
              && skipped.target().orElseThrow() > address + i
              && skipped.target().orElseThrow() <= address + to;
      if (skipped.kind() != Kind.NOP && skipped.kind() != Kind.BREAKPOINT && !within) {
        return 0;
      }
      i += skipped.length();
    }
    return (int) to;
  }

  private static int i32(byte[] data, int at) {
    return (data[at] & 0xff)
        | (data[at + 1] & 0xff) << 8
        | (data[at + 2] & 0xff) << 16
        | data[at + 3] << 24;
  }
}
