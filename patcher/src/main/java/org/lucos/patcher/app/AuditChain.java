package org.lucos.patcher.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.bytes.Bytes;

/**
 * The audit log as bytes: lines of JSON, each with the digest of the line before it. What lies
 * between two lines and is none was left by a crash or a full disk if the next line has its digest;
 * else somebody put it there.
 */
final class AuditChain {
  /** What the first line has in the place of a digest. */
  static final String NOTHING = "0".repeat(64);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Bytes log;
  private final Optional<Head> head;
  private final List<String> problems = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<ObjectNode> lines = new ArrayList<>();
  private Head last = new Head(0, NOTHING);
  private String beforeLast = NOTHING;
  private int end;
  private int number;

  /**
   * How long the log is and what it ends in, kept beside it.
   *
   * @param lines number of the last line
   * @param digest SHA-256 of its bytes, without the line feed
   */
  record Head(long lines, String digest) {}

  /**
   * A log that was walked through.
   *
   * @param problems what shows that it is not as it was written, in the order of the lines
   * @param notes what else there is to know, such as lines that a crash cut off
   * @param lines all that can be read
   * @param last the last line that can be read; what the next one is to be linked to
   * @param rest bytes behind that line
   */
  record Findings(
      List<String> problems, List<String> notes, List<ObjectNode> lines, Head last, Bytes rest) {
    Findings {
      problems = List.copyOf(problems);
      notes = List.copyOf(notes);
      lines = List.copyOf(lines);
    }
  }

  private AuditChain(Bytes log, Optional<Head> head) {
    this.log = log;
    this.head = head;
  }

  /** Walks through a log; any bytes will do. */
  static Findings walk(Bytes log, Optional<Head> head) {
    return new AuditChain(log, head).walk();
  }

  private Findings walk() {
    int begin = 0;
    while (begin < log.size()) {
      int feed = log.indexOf('\n', begin);
      if (feed < 0) {
        break;
      }
      number++;
      Bytes line = log.slice(begin, feed);
      int start = begin;
      parse(line).ifPresent(read -> link(read, line, start));
      begin = feed + 1;
    }
    Bytes rest = log.slice(end, log.size());
    if (!rest.isEmpty()) {
      String where = "behind line " + last.lines() + " are " + rest.size() + " bytes";
      if (head.equals(Optional.of(last))) {
        notes.add(where + ": a line that was cut off when it was written, by a crash or full disk");
      } else {
        problems.add(where + " that are no line: altered");
      }
    }
    compareWithHead();
    return new Findings(problems, notes, lines, last, rest);
  }

  private void link(ObjectNode line, Bytes bytes, int start) {
    long sequence = line.path("seq").longValue();
    String previous = line.path("previous").textValue();
    boolean explained = isExplained(line, start);
    String missing = "";
    if (explained && !last.digest().equals(previous)) {
      missing =
          sequence > last.lines() + 1
              ? lines(last.lines() + 1, sequence - 1) + " missing: line " + sequence + " follows"
              : "line " + last.lines() + " is altered: line " + sequence + " has another digest";
    } else if (explained && sequence != last.lines() + 1) {
      missing = "line " + number + " is altered: its number is " + sequence;
    }
    if (!missing.isEmpty()) {
      problems.add(missing + " (row " + number + " of the file)");
    }
    if (line.has("damage")) {
      problems.add(
          "line " + sequence + " found when it was written: " + line.get("damage").asText());
    }
    lines.add(line);
    beforeLast = String.valueOf(previous);
    last = new Head(sequence, bytes.sha256());
    end = start + bytes.size() + 1;
  }

  /** Whether what lies in front of a line is nothing, or what the line says was cut off. */
  private boolean isExplained(ObjectNode line, int start) {
    Bytes between = log.slice(end, start);
    String torn = line.path("torn").textValue();
    if (between.isEmpty() && torn == null) {
      return true;
    }
    if (between.sha256().equals(torn)) {
      notes.add(
          "in front of line "
              + line.path("seq")
              + " are "
              + between.size()
              + " bytes of a line that was cut off when it was written; it has their digest");
      return true;
    }
    problems.add(
        "line "
            + (last.lines() + 1)
            + (between.isEmpty() ? " is missing: " : " is altered: ")
            + between.size()
            + " bytes that are no line, in front of row "
            + number
            + " of the file");
    return false;
  }

  private void compareWithHead() {
    if (head.isEmpty()) {
      if (log.size() > 0) {
        problems.add(
            "there is no head: whether lines are missing at the end cannot be told; line "
                + last.lines()
                + " is the last");
      }
      return;
    }
    Head known = head.get();
    if (known.equals(last)) {
      return;
    }
    if (known.equals(new Head(last.lines() - 1, beforeLast))) {
      notes.add("the head is a line behind: a crash came between the two");
    } else if (known.lines() > last.lines()) {
      problems.add(lines(last.lines() + 1, known.lines()) + " missing: cut off at the end");
    } else {
      problems.add("line " + last.lines() + " or the head is altered: the head is of another line");
    }
  }

  private static String lines(long from, long to) {
    return from == to ? "line " + from + " is" : "lines " + from + " to " + to + " are";
  }

  /** A line of the log, if these bytes are one. */
  static Optional<ObjectNode> parse(Bytes line) {
    try {
      JsonNode read = JSON.readTree(line.toArray());
      boolean linked =
          read instanceof ObjectNode
              && read.path("seq").isIntegralNumber()
              && read.path("previous").isTextual();
      return linked ? Optional.of((ObjectNode) read) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // the caller reports that this is no line
    }
  }
}
