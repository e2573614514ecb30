package org.lucos.patcher.bytes;

/**
 * Input that does not follow its format: a file, guest memory or a message. Names the source and
 * the offset in it; nothing was concluded from the rest.
 */
public final class MalformedDataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String source;
  private final long offset;

  /**
   * @param source what was being parsed, such as a file name or {@code guest kallsyms_names}
   * @param offset bytes from its beginning
   * @param problem what is wrong there
   */
  public MalformedDataException(String source, long offset, String problem) {
    super(problem + ": source=" + source + ", offset=0x" + Long.toHexString(offset));
    this.source = source;
    this.offset = offset;
  }

  /** What was being parsed. */
  public String source() {
    return source;
  }

  /** Bytes from the beginning of the source. */
  public long offset() {
    return offset;
  }
}
