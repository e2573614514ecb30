package org.lucos.bridge.qemu;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.SecureXml;
import org.lucos.bridge.qemu.RspException.Kind;
import org.lucos.bridge.vcpu.VcpuRegisters;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Where each register lies in the block that a gdbstub answers to {@code g}: one after another by
 * number, as the stub's target description lists them. Source: "Target Descriptions" in GDB's
 * manual.
 */
final class RegisterLayout {
  private static final List<String> GENERAL =
      List.of(
          "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
          "r13", "r14", "r15");

  private static final List<String> SPECIAL =
      List.of("rip", "eflags", "cs", "gs_base", "k_gs_base", "cr3");

  private static final int MOST_REGISTERS = 4096;

  /** Fetches a file of the target description. */
  @FunctionalInterface
  interface Files {
    String fetch(String name) throws IOException;
  }

  private static final String TOP_FILE = "target.xml";
  private static final Pattern INCLUDE =
      Pattern.compile("<xi:include\\s+href=\"([^\"<>&]{1,255})\"");
  private static final int MOST_FILES = 64;

  private record Place(int offset, int bytes) {}

  private static final Place NOWHERE = new Place(0, 0);

  private final Map<String, Place> places;

  /** Of {@link #GENERAL}. */
  private final List<Place> general;

  private RegisterLayout(Map<String, Place> places) {
    this.places = places;
    this.general = GENERAL.stream().map(name -> places.getOrDefault(name, NOWHERE)).toList();
  }

  /** Fetches the files of the description, without understanding them: that can wait. */
  static Map<String, String> fetch(Files files) throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    String top = files.fetch(TOP_FILE);
    texts.put(TOP_FILE, top);
    Matcher include = INCLUDE.matcher(top);
    while (include.find() && texts.size() < MOST_FILES) {
      texts.put(include.group(1), files.fetch(include.group(1)));
    }
    return texts;
  }

  /**
   * Reads a description.
   *
   * @param texts its files by name, in the order of their inclusion
   * @throws RspException if it is not one of an x86-64 CPU
   */
  static RegisterLayout parse(Map<String, String> texts) throws RspException {
    List<Element> registers = new ArrayList<>();
    for (Map.Entry<String, String> text : texts.entrySet()) {
      Optional<Element> root = SecureXml.parse(text.getValue());
      if (root.isEmpty()) {
        throw new RspException(
            Kind.MALFORMED, "target description is no XML: file=" + text.getKey());
      }
      collect(root.get(), registers);
    }
    RegisterLayout layout = new RegisterLayout(place(registers));
    for (String name : needed()) {
      layout.require(name);
    }
    return layout;
  }

  /** The registers a description must have. */
  static List<String> needed() {
    return Stream.concat(GENERAL.stream(), SPECIAL.stream()).toList();
  }

  private static void collect(Element root, List<Element> registers) {
    NodeList found = root.getElementsByTagName("reg");
    for (int i = 0; i < found.getLength(); i++) {
      Node node = found.item(i);
      if (node instanceof Element element) {
        registers.add(element);
      }
    }
  }

  private static Map<String, Place> place(List<Element> registers) throws RspException {
    if (registers.size() > MOST_REGISTERS) {
      throw new RspException(Kind.MALFORMED, "too many registers: " + registers.size());
    }
    Map<String, Place> places = new HashMap<>();
    int number = 0;
    int offset = 0;
    for (Element register : registers) {
      String given = register.getAttribute("regnum");
      if (!given.isEmpty() && number(given) != number) {
        // A gap or another order: where the stub puts what follows is not known from here.
        throw new RspException(Kind.MALFORMED, "registers are not numbered in order: " + given);
      }
      int bits = number(register.getAttribute("bitsize"));
      if (bits < 8 || bits > 4096 || bits % 8 != 0) {
        throw new RspException(Kind.MALFORMED, "bad register size: bits=" + bits);
      }
      places.putIfAbsent(register.getAttribute("name"), new Place(offset, bits / 8));
      offset += bits / 8;
      number++;
    }
    return places;
  }

  private static int number(String text) throws RspException {
    if (!text.matches("[0-9]{1,9}")) {
      throw new RspException(Kind.MALFORMED, "not a number in target description: " + text);
    }
    return Integer.parseInt(text);
  }

  private void require(String name) throws RspException {
    Place place = Optional.ofNullable(places.get(name)).orElse(NOWHERE);
    if (place.bytes() != 4 && place.bytes() != 8) {
      throw new RspException(Kind.MALFORMED, "no usable register in target description: " + name);
    }
  }

  /**
   * Reads the block of one vCPU.
   *
   * @param block two hexadecimal digits a byte
   * @throws RspException if the block is too short or is none
   */
  VcpuRegisters decode(int index, String block) throws RspException {
    List<Long> values = new ArrayList<>(GENERAL.size());
    for (int i = 0; i < GENERAL.size(); i++) {
      values.add(value(GENERAL.get(i), general.get(i), block));
    }
    return new VcpuRegisters(
        index,
        new GuestVirtualAddress(value("rip", block)),
        new GuestVirtualAddress(value("rsp", block)),
        value("eflags", block),
        (int) value("cs", block),
        new GuestVirtualAddress(value("gs_base", block)),
        new GuestVirtualAddress(value("k_gs_base", block)),
        value("cr3", block),
        values);
  }

  private long value(String name, String block) throws RspException {
    return value(name, places.getOrDefault(name, NOWHERE), block);
  }

  private static long value(String name, Place place, String block) throws RspException {
    int from = 2 * place.offset();
    int to = from + 2 * place.bytes();
    if (to > block.length()) {
      throw new RspException(
          Kind.MALFORMED,
          "register block ends before "
              + name
              + ": bytes="
              + block.length() / 2
              + (block.length() > 3 ? "" : ", answer=" + block));
    }
    try {
      long value = Long.reverseBytes(HexFormat.fromHexDigitsToLong(block, from, to));
      return value >>> (Long.SIZE - Byte.SIZE * place.bytes());
    } catch (NumberFormatException e) {
      RspException none =
          new RspException(Kind.MALFORMED, "gdbstub does not tell " + name + ": " + e.getMessage());
      none.initCause(e);
      throw none;
    }
  }
}
