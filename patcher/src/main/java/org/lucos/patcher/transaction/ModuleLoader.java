package org.lucos.patcher.transaction;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.patcher.guestcall.GuestCallResult;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.guestcall.GuestProgram;
import org.lucos.patcher.guestcall.GuestProgram.Constant;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.StructLayout;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

/**
 * Has the guest's own module loader take a patch module, and give it back. The calls are those that
 * the system calls make: {@code load_module(info, uargs, flags)} and {@code
 * __x64_sys_delete_module(regs)} (kernel/module/main.c). Both want a user address; a page is mapped
 * into the carrier for as long as the call lasts.
 */
public final class ModuleLoader {
  private static final int PAGE = 4096;
  private static final long PROT_READ_WRITE = 3;
  private static final long MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final long O_NONBLOCK = 0x800;
  private static final long EINTR = -4;
  private static final int ATTEMPTS = 3;

  private final RunningKernel kernel;
  private final GuestCalls calls;
  private final Duration limit;

  /**
   * @param limit how long each guest call may wait for a task to take it
   */
  public ModuleLoader(RunningKernel kernel, GuestCalls calls, Duration limit) {
    this.kernel = kernel;
    this.calls = calls;
    this.limit = limit;
  }

  /**
   * Loads a module image whose undefined symbols are all resolved.
   *
   * @throws RefusedException with {@link FitRefusal.LoadFailed} and the loader's error number; the
   *     loader then has freed the image
   */
  public LoadedModule load(String name, byte[] image) {
    long error =
        call(
            () -> {
              GuestVirtualAddress buffer = allocate(name, image.length);
              fill(buffer, image);
              return loadProgram(name, buffer, image.length);
            },
            1);
    if (error != 0) {
      throw new RefusedException(new FitRefusal.LoadFailed(name, error, "from load_module()"));
    }
    return find(kernel, name)
        .orElseThrow(
            () ->
                new RefusedException(
                    new FitRefusal.LoadFailed(name, 0, "but it is not in the module list")));
  }

  /**
   * Unloads a module that nothing refers to.
   *
   * @throws RefusedException with {@link BusyRefusal.UnloadFailed} and the kernel's error number
   */
  public void unload(String name) {
    long error = call(() -> unloadProgram(name), 2);
    if (error != 0) {
      throw new RefusedException(new BusyRefusal.UnloadFailed(name, error, "from delete_module()"));
    }
    if (find(kernel, name).isPresent()) {
      throw new RefusedException(new BusyRefusal.UnloadFailed(name, 0, "but it is still listed"));
    }
  }

  /** The module of this name, if the guest has it. */
  public static Optional<LoadedModule> find(RunningKernel kernel, String name) {
    return kernel.modules().stream().filter(module -> module.name().equals(name)).findFirst();
  }

  private GuestVirtualAddress allocate(String name, int size) {
    GuestVirtualAddress vmalloc =
        kernel
            .symbols()
            .find("vmalloc")
            .or(() -> kernel.symbols().find("vmalloc_noprof"))
            .orElseThrow(
                () ->
                    new RefusedException(
                        new FitRefusal.SymbolNotResolved("vmalloc", "no such function")))
            .address();
    GuestProgram.Builder program = GuestProgram.named("allocate " + name);
    program.call(vmalloc, new Constant(size));
    long address = calls.call(program.build(), limit).last();
    if (address == 0) {
      throw new RefusedException(
          new FitRefusal.LoadFailed(name, -12, "no memory for an image of " + size + " bytes"));
    }
    return new GuestVirtualAddress(address);
  }

  /**
   * The buffer is ours and the guest knows nothing of it, so it is filled past QEMU, at memory
   * speed; in a pause nevertheless, or a guest that reboots at that moment would have it written
   * over what is there by then.
   */
  private void fill(GuestVirtualAddress buffer, byte[] image) {
    try (PausedGuest lease = kernel.domain().pause("fill")) {
      kernel.boot().require(lease::registers);
      for (int done = 0; done < image.length; done += PAGE) {
        byte[] page = Arrays.copyOfRange(image, done, Math.min(image.length, done + PAGE));
        kernel.domain().writeUnreachable(kernel.memory().physical(buffer.plus(done)), page);
      }
      lease.commit();
    }
    kernel.domain().requireSettled(); // a migration that has begun meanwhile does not know of it
    byte[] back = kernel.memory().bytes(buffer, image.length);
    if (!Arrays.equals(back, image)) {
      throw new IllegalStateException(
          "image reads back differently: offset=" + Arrays.mismatch(back, image));
    }
  }

  private GuestProgram loadProgram(String name, GuestVirtualAddress buffer, int size) {
    StructLayout info = kernel.types().struct("load_info");
    byte[] loadInfo = new byte[(int) info.size()];
    put(loadInfo, info, "hdr", buffer.value());
    put(loadInfo, info, "len", size);
    GuestProgram.Builder program = GuestProgram.named("load " + name);
    GuestProgram.Address infoAt = program.data(loadInfo);
    GuestProgram.Result user = mapUserPage(program);
    program.call(address("load_module"), infoAt, user, new Constant(0));
    program.call(address("vm_munmap"), user, new Constant(PAGE));
    return program.build();
  }

  private GuestProgram unloadProgram(String name) {
    byte[] text = (name + "\0").getBytes(StandardCharsets.US_ASCII);
    StructLayout registers = kernel.types().struct("pt_regs");
    byte[] regs = new byte[(int) registers.size()];
    put(regs, registers, "si", O_NONBLOCK);
    GuestProgram.Builder program = GuestProgram.named("unload " + name);
    GuestProgram.Address nameAt = program.data(text);
    GuestProgram.Address regsAt = program.data(regs);
    GuestProgram.Result user = mapUserPage(program);
    program.store(user, regsAt, (int) registers.field("di").offset());
    program.call(address("_copy_to_user"), user, nameAt, new Constant(text.length));
    program.call(address("__x64_sys_delete_module"), regsAt);
    program.call(address("vm_munmap"), user, new Constant(PAGE));
    return program.build();
  }

  private GuestProgram.Result mapUserPage(GuestProgram.Builder program) {
    return program.call(
        address("vm_mmap"),
        new Constant(0),
        new Constant(0),
        new Constant(PAGE),
        new Constant(PROT_READ_WRITE),
        new Constant(MAP_PRIVATE_ANONYMOUS),
        new Constant(0));
  }

  /** Runs a program; anew if its carrier was being killed and could not map the page. */
  private long call(Supplier<GuestProgram> program, int resultIndex) {
    GuestCallResult result = calls.call(program.get(), limit);
    for (int i = 1; i < ATTEMPTS && result.values().get(0) == EINTR; i++) {
      result = calls.call(program.get(), limit);
    }
    return result.values().get(resultIndex).intValue();
  }

  private GuestVirtualAddress address(String function) {
    return kernel.symbols().address(function);
  }

  private static void put(byte[] struct, StructLayout layout, String field, long value) {
    int at = (int) layout.field(field).offset();
    for (int i = 0; i < 8; i++) {
      struct[at + i] = (byte) (value >>> (8 * i));
    }
  }
}
