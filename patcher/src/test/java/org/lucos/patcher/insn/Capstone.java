package org.lucos.patcher.insn;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Optional;

/** Debian's libcapstone as an oracle. Layout of {@code cs_insn}: capstone 4, capstone.h. */
final class Capstone implements AutoCloseable {
  private static final int SIZE = 16;
  private static final int MNEMONIC = 34;
  private static final int OPERANDS = 66;
  private static final int ARCH_X86 = 3;
  private static final int MODE_64 = 8;

  /** What capstone says of an instruction. */
  record Result(int length, String mnemonic, String operands) {}

  private interface Api extends Library {
    int cs_open(int arch, int mode, LongByReference handle);

    long cs_disasm(
        long handle, Pointer code, long size, long address, long count, PointerByReference out);

    void cs_free(Pointer instructions, long count);

    int cs_close(LongByReference handle);
  }

  private final Api api = Native.load("libcapstone.so.4", Api.class);
  private final LongByReference handle = new LongByReference();
  private final Memory buffer = new Memory(64);

  Capstone() {
    if (api.cs_open(ARCH_X86, MODE_64, handle) != 0) {
      throw new IllegalStateException("capstone does not open");
    }
  }

  Optional<Result> decode(byte[] code, long address) {
    buffer.write(0, code, 0, code.length);
    PointerByReference out = new PointerByReference();
    if (api.cs_disasm(handle.getValue(), buffer, code.length, address, 1, out) == 0) {
      return Optional.empty();
    }
    Pointer found = out.getValue();
    Result result =
        new Result(found.getShort(SIZE), found.getString(MNEMONIC), found.getString(OPERANDS));
    api.cs_free(found, 1);
    return Optional.of(result);
  }

  @Override
  public void close() {
    api.cs_close(handle);
  }
}
