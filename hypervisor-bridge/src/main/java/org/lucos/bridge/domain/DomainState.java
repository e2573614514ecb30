package org.lucos.bridge.domain;

/** What a domain is doing, as far as a controller must tell apart. */
public enum DomainState {
  /** vCPUs run. */
  RUNNING,
  /** Stopped, by someone or something; memory is there. */
  PAUSED,
  /** In the guest's own suspend-to-RAM. */
  SUSPENDED,
  /** Its kernel has panicked: still a process, not worth patching. */
  CRASHED,
  /** Being shut down: still a process, not worth patching. */
  ENDING,
  /** Not there. */
  SHUT_OFF
}
