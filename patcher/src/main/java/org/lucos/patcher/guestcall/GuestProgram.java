package org.lucos.patcher.guestcall;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.GuestVirtualAddress;

/**
 * A few kernel functions that one task of the guest is to call, one after the other. Arguments are
 * numbers, results of earlier calls, or addresses of data that travels with the program. There are
 * no conditions: a later call must be harmless if an earlier one failed.
 *
 * @param name for messages and logs
 * @param calls in order, at most {@value CallLayout#MAX_STEPS}
 * @param data blobs, addressed by index
 * @param stores results written into data before later calls run
 */
public record GuestProgram(String name, List<Call> calls, List<Blob> data, List<Store> stores) {

  /** Copies the lists. */
  public GuestProgram {
    calls = List.copyOf(calls);
    data = List.copyOf(data);
    stores = List.copyOf(stores);
  }

  /** One call of a kernel function with up to six arguments. */
  public record Call(GuestVirtualAddress function, List<Argument> arguments) {
    /** Copies the list. */
    public Call {
      arguments = List.copyOf(arguments);
    }
  }

  /** Bytes that the guest can reach while the program runs. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Blob(byte[] bytes) {}

  /** The result of call {@code call} goes to byte {@code offset} of blob {@code blob}. */
  public record Store(int call, int blob, int offset) {}

  /** What an argument register holds. */
  public sealed interface Argument {}

  /** A number. */
  public record Constant(long value) implements Argument {}

  /** What an earlier call returned. */
  public record Result(int call) implements Argument {}

  /** The address of byte {@code offset} of a blob. */
  public record Address(int blob, int offset) implements Argument {}

  /** Starts a program. */
  public static Builder named(String name) {
    return new Builder(name);
  }

  /** Collects the parts of a program. */
  public static final class Builder {
    private final String name;
    private final List<Call> calls = new ArrayList<>();
    private final List<Blob> data = new ArrayList<>();
    private final List<Store> stores = new ArrayList<>();

    private Builder(String name) {
      this.name = name;
    }

    /** Adds data and gives the argument that points to its first byte. */
    public Address data(byte[] bytes) {
      data.add(new Blob(bytes.clone()));
      return new Address(data.size() - 1, 0);
    }

    /** Adds a call and gives the argument that stands for its result. */
    public Result call(GuestVirtualAddress function, Argument... arguments) {
      calls.add(new Call(function, List.of(arguments)));
      return new Result(calls.size() - 1);
    }

    /** Writes a result into data before the calls after it run. */
    public Builder store(Result result, Address blob, int offset) {
      stores.add(new Store(result.call(), blob.blob(), offset));
      return this;
    }

    /** The finished program. */
    public GuestProgram build() {
      return new GuestProgram(name, calls, data, stores);
    }
  }
}
