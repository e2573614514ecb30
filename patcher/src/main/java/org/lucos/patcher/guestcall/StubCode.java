package org.lucos.patcher.guestcall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.KnownFrame;
import org.lucos.patcher.kernel.OrcEntry;

/**
 * The machine code a guest call leaves in the guest's text: two position-independent routines,
 * described with {@link CallLayout}.
 *
 * <pre>
 * program(head):                        called by task_work_run() of a carrier task
 *   if *head.mm_field == 0 goto out     a dying task has no address space to work in
 *   record = head.record
 *   if !cmpxchg(record.state, 0, 1) goto out       another task was first
 *   record.taker = head
 *   for step in record.steps until step.function == 0:
 *     step.result = step.function(step.argument[0..5])
 *     *step.out[0..2] = step.result
 *     record.completed++
 *   record.state = 2
 * out:
 *   head.state = 2
 *
 * borrowed(work):                       stands in for a work function for one activation
 *   if cmpxchg(control.state, 0, 1):
 *     control.result = control.function(control.task, control.head, control.mode)
 *     control.state = 2
 *   jump control.original(work)
 * </pre>
 *
 * <p>Both begin with ENDBR64, and calls go through {@code push; ret} rather than an indirect
 * branch: with indirect branch tracking a function whose address the kernel never takes has no
 * landing pad.
 */
final class StubCode {
  /** Bytes in all. */
  static final int SIZE = 206;

  /** Bytes of {@code program}, which hold no address and so are always the same. */
  static final int PROGRAM_SIZE = 0x85;

  /** Where {@code program} begins. */
  static final int PROGRAM = 0;

  /** Where {@code borrowed} begins. */
  static final int BORROWED = 0x88;

  private static final int CONTROL_IMMEDIATE = 0x90;

  private static final String CODE =
      "f30f1efa5355488b472048833800746d488b5f1031c0b901000000f0480fb10b"
          + "755b48897b10488d6b20488b45004885c07443488b7d08488b7510488b551848"
          + "8b4d204c8b45284c8b4d306a00e8330000005948894538488b4d40488901488b"
          + "4d48488901488b4d5048890148ff43084883c558ebb4488b7b10c60302c64718"
          + "025d5bc3cc50c3ccf30f1efa575348bb"
          + "0000000000000000" // the control block's address
          + "31c0b901000000f0"
          + "480fb10b751f488b7b08488b7310488b5318488b43206a00e8c8ffffff594889"
          + "4328c60302488b43305b5f50c3cc";

  /** The call in {@code program}, and where it returns to. */
  private static final int CALL = 0x4d;

  private static final int CALL_END = 0x52;

  private StubCode() {}

  /**
   * The frame of {@code program} while it calls: a word that it pushed, RBP, RBX, and its own
   * return address.
   */
  static KnownFrame frame(GuestVirtualAddress stub) {
    return new KnownFrame(
        new AddressRange(stub.plus(CALL), CALL_END - CALL + 1),
        new OrcEntry(
            OrcEntry.Base.SP,
            4 * Long.BYTES,
            OrcEntry.Base.PREVIOUS_SP,
            -3 * Long.BYTES,
            OrcEntry.Kind.CALL,
            false));
  }

  /** The code, with the address of its control block filled in. */
  static byte[] assemble(GuestVirtualAddress control) {
    byte[] code = HexFormat.of().parseHex(CODE);
    ByteBuffer.wrap(code)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(CONTROL_IMMEDIATE, control.value());
    return code;
  }
}
