package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * A function of vmlinux that is known by its name and position only, as the kernel's own livepatch
 * knows it: there is no original to compare its code with.
 */
final class UnmatchedFunction {
  /** {@code nopl 0(%rax,%rax,1)}: the tracing slot of a function that is not traced. */
  private static final byte[] SLOT = {0x0f, 0x1f, 0x44, 0, 0};

  private static final int ENDBR = 4;
  private static final int JUMP = 5;
  private static final int INT3 = 0xcc;

  private final TargetFunction target;
  private final RunningCode running;

  UnmatchedFunction(TargetFunction target, RunningCode running) {
    this.target = target;
    this.running = running;
  }

  /**
   * Finds it.
   *
   * @throws RefusedException {@code SymbolNotResolved} if the name is not clear, {@code
   *     NoRedirectSite} if it does not begin as functions do that can be traced
   */
  LinkedFunction find() {
    AddressRange code = withoutPadding(running.symbols().range(symbol()));
    List<AddressRange> parts = new ArrayList<>();
    List<LiveChange> changes = new ArrayList<>(running.changes().probes(code));
    for (KernelSymbol part : running.symbols().all(target.name() + ".cold")) {
      AddressRange range = withoutPadding(running.symbols().range(part));
      parts.add(range);
      changes.addAll(running.changes().probes(range));
    }
    byte[] bytes = running.memory().bytes(code.start(), (int) code.size());
    int slot = bytes.length >= ENDBR && RewriteForms.isEndbr(bytes, 0) ? ENDBR : 0;
    for (int i = 0; i < SLOT.length; i++) {
      if (slot + i >= bytes.length || bytes[slot + i] != SLOT[i]) {
        throw new RefusedException(
            new FitRefusal.NoRedirectSite(
                target.name(), "it does not begin with a tracing slot that is not in use"));
      }
    }
    int body = slot + SLOT.length;
    redirect(code.start().plus(body), bytes, body).ifPresent(changes::add);
    return new LinkedFunction(
        target, code, parts, OptionalLong.of(slot), body, List.of(), List.of(), changes);
  }

  /** Positions count as livepatch counts them: all symbols of the name, by address. */
  private KernelSymbol symbol() {
    List<KernelSymbol> named = running.symbols().all(target.name());
    if (target.sympos().isEmpty() && named.size() > 1) {
      throw unresolved(named.size() + " symbols have this name: give an old_sympos");
    }
    int position = target.sympos().orElse(1);
    if (position < 1 || position > named.size()) {
      throw unresolved("there is no number " + position + " of " + named.size());
    }
    KernelSymbol symbol = named.get(position - 1);
    if (!running.text().contains(symbol.address())) {
      throw unresolved("it is no function of vmlinux");
    }
    return symbol;
  }

  /** A symbol's range reaches to the next symbol. */
  private AddressRange withoutPadding(AddressRange range) {
    byte[] bytes = running.memory().bytes(range.start(), (int) range.size());
    int end = bytes.length;
    while (end > 1 && (bytes[end - 1] & 0xff) == INT3) {
      end--;
    }
    return new AddressRange(range.start(), end);
  }

  private Optional<LiveChange> redirect(GuestVirtualAddress site, byte[] bytes, int offset) {
    if (offset + JUMP > bytes.length) {
      return Optional.empty();
    }
    Instruction there = Decoder.decode(bytes, offset, site.value());
    if (there.kind() != Instruction.Kind.JUMP || there.length() != JUMP) {
      return Optional.empty();
    }
    String module =
        running.changes().patchModule(new GuestVirtualAddress(there.target().orElseThrow()));
    return module.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new LiveChange(
                site, JUMP, LiveChange.Kind.REDIRECT, module, running.changes().own(site)));
  }

  private RefusedException unresolved(String detail) {
    return new RefusedException(new FitRefusal.SymbolNotResolved(target.name(), detail));
  }
}
