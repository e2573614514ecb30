package org.lucos.patcher.build;

import com.google.common.collect.ImmutableMap;
import java.util.Map;
import java.util.Optional;
import org.lucos.patcher.refusal.ChangeRefusal;

/** Source that is compiled into something that is not the running kernel's text. */
final class OtherCode {
  private static final String VDSO =
      "it goes into the vDSO, code that processes have mapped and run by themselves";

  private static final ImmutableMap<String, String> FOLDERS =
      ImmutableMap.<String, String>builder()
          .put("arch/x86/entry/vdso/", VDSO)
          .put("lib/vdso/", VDSO)
          .put("arch/x86/boot/", "it runs before the kernel is unpacked")
          .put("arch/x86/realmode/", "it runs in real mode, from a copy made at boot")
          .put("arch/x86/purgatory/", "it runs between two kernels, on kexec")
          .put("drivers/firmware/efi/libstub/", "it runs before the kernel, as an EFI program")
          .buildOrThrow();

  private OtherCode() {}

  /** Why a file cannot be patched live, if it is one of these. */
  static Optional<ChangeRefusal> refusal(String path) {
    return FOLDERS.entrySet().stream()
        .filter(folder -> path.startsWith(folder.getKey()))
        .map(Map.Entry::getValue)
        .<ChangeRefusal>map(
            why ->
                new ChangeRefusal.UnsupportedChange(
                    path, why, "leave it out of the diff, or plan a reboot into the fixed kernel"))
        .findFirst();
  }
}
