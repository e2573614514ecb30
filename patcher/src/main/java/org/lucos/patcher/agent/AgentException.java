package org.lucos.patcher.agent;

/**
 * The agent did not help. Never a reason to do anything to a guest, or to leave anything undone.
 */
public final class AgentException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** In which way. */
  public enum Kind {
    /** There is no wire to one, or it broke. */
    ABSENT,
    /** It did not answer in time. */
    SILENT,
    /** What came is not what the protocol says. */
    NONSENSE,
    /** It says that it will not, or cannot. */
    UNWILLING
  }

  private final Kind kind;

  /** With what it was about. */
  public AgentException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  AgentException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** In which way it did not. */
  public Kind kind() {
    return kind;
  }
}
