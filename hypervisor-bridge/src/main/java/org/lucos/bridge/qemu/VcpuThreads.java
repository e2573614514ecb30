package org.lucos.bridge.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a gdbstub is asked about vCPUs, which it calls threads, and what its answers mean. */
final class VcpuThreads {
  private static final int MOST_VCPUS = 4096;

  private VcpuThreads() {}

  /** Asks which there are: as many questions as there will be answers if there are so many. */
  static List<String> questions(int expected) {
    List<String> questions = new ArrayList<>(List.of("qfThreadInfo"));
    while (questions.size() <= expected) {
      questions.add("qsThreadInfo");
    }
    return questions;
  }

  /** Asks for the registers of each. */
  static List<String> registers(List<String> threads) {
    List<String> commands = new ArrayList<>();
    for (String thread : threads) {
      commands.add("Hg" + thread);
      commands.add("g");
    }
    return commands;
  }

  /** The vCPUs that these answers name; empty if the list has not come to its end. */
  static Optional<List<String>> in(List<String> answers) throws RspException {
    List<String> found = new ArrayList<>();
    for (String answer : answers) {
      if (answer.equals("l")) {
        if (found.isEmpty()) {
          throw new RspException(RspException.Kind.MALFORMED, "gdbstub lists no vCPU");
        }
        return Optional.of(found);
      }
      add(answer, found);
    }
    return Optional.empty();
  }

  private static void add(String answer, List<String> found) throws RspException {
    if (!answer.matches("m[0-9a-f]{1,7}(,[0-9a-f]{1,7})*") || found.size() > MOST_VCPUS) {
      throw new RspException(RspException.Kind.MALFORMED, "bad list of vCPUs: " + answer);
    }
    for (String thread : answer.substring(1).split(",", -1)) {
      if (Integer.parseInt(thread, 16) == 0 || found.contains(thread)) {
        throw new RspException(RspException.Kind.MALFORMED, "bad list of vCPUs: " + answer);
      }
      found.add(thread);
    }
  }
}
