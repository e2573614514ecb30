package org.lucos.bridge.domain;

/** Why a domain cannot be worked on. Each says what is the matter and what to do about it. */
public sealed interface DomainRefusal {

  /** A stable name for scripts, in kebab-case. */
  String code();

  /** One sentence: what is the matter. */
  String message();

  /** One sentence: what to do. */
  String remedy();

  /** No domain goes by the name, UUID or id given. */
  record NotFound(String wanted) implements DomainRefusal {
    @Override
    public String code() {
      return "domain-not-found";
    }

    @Override
    public String message() {
      return "no domain is called, numbered or identified by '" + wanted + "'";
    }

    @Override
    public String remedy() {
      return "see 'lucos list' or 'virsh list --all' for the domains of this host";
    }
  }

  /** The domain exists, but is in a state that cannot be worked on. */
  record NotRunning(String name, DomainState state) implements DomainRefusal {
    @Override
    public String code() {
      return "domain-not-running";
    }

    @Override
    public String message() {
      return "domain '" + name + "' is " + state.name().toLowerCase(java.util.Locale.ROOT);
    }

    @Override
    public String remedy() {
      return "start or resume it first ('virsh start', 'virsh resume')";
    }
  }

  /** Another architecture than x86-64. */
  record NotX8664(String name, String architecture) implements DomainRefusal {
    @Override
    public String code() {
      return "domain-not-x86-64";
    }

    @Override
    public String message() {
      return "domain '" + name + "' is of architecture " + architecture;
    }

    @Override
    public String remedy() {
      return "only x86-64 guests can be patched";
    }
  }

  /** Run by something this connection has no backend for. */
  record UnsupportedHypervisor(String name, String type) implements DomainRefusal {
    @Override
    public String code() {
      return "hypervisor-unsupported";
    }

    @Override
    public String message() {
      return "domain '" + name + "' is run by " + type;
    }

    @Override
    public String remedy() {
      return "QEMU domains with KVM or TCG, and domains of Xen, are supported";
    }
  }

  /** A live migration, save or dump is going on. */
  record Migrating(String name, String status) implements DomainRefusal {
    @Override
    public String code() {
      return "migration-in-progress";
    }

    @Override
    public String message() {
      return "domain '" + name + "' is being migrated or saved (" + status + ")";
    }

    @Override
    public String remedy() {
      return "try again when that has ended, on the host where the domain then runs, or hold with --wait-migration";
    }
  }

  /** A migration or save has taken the guest away while it was worked on. */
  record LeftHost(String name) implements DomainRefusal {
    @Override
    public String code() {
      return "guest-left-host";
    }

    @Override
    public String message() {
      return "domain '" + name + "' left this host while it was worked on (migrated or saved)";
    }

    @Override
    public String remedy() {
      return "what had been done went with it: see 'lucos status' where it runs now, and repeat the command there";
    }
  }

  /** Guest memory is encrypted against the host. */
  record Encrypted(String name, String technology) implements DomainRefusal {
    @Override
    public String code() {
      return "guest-encrypted";
    }

    @Override
    public String message() {
      return "the memory of domain '" + name + "' is encrypted (" + technology + ")";
    }

    @Override
    public String remedy() {
      return "an encrypted guest cannot be patched from outside: patch it from inside";
    }
  }

  /** The operating system or libvirt denied access. */
  record NoPermission(String what, String detail) implements DomainRefusal {
    @Override
    public String code() {
      return "no-permission";
    }

    @Override
    public String message() {
      return "no permission: " + what + " (" + detail + ")";
    }

    @Override
    public String remedy() {
      return "run as root, or see 'lucos doctor' for the privileges that are missing";
    }
  }

  /** Somebody else debugs this guest. */
  record DebuggerAttached(String name, String detail) implements DomainRefusal {
    @Override
    public String code() {
      return "debugger-attached";
    }

    @Override
    public String message() {
      return "the gdbstub of domain '" + name + "' is in use (" + detail + ")";
    }

    @Override
    public String remedy() {
      return "detach that debugger; 'virsh qemu-monitor-command "
          + name
          + " --hmp gdbserver none' closes a forgotten one";
    }
  }

  /** Another controller may stop this guest at any moment. */
  record HeldByAnother(String name) implements DomainRefusal {
    @Override
    public String code() {
      return "guest-busy";
    }

    @Override
    public String message() {
      return "another controller on this host works on domain '" + name + "'";
    }

    @Override
    public String remedy() {
      return "wait until it has ended";
    }
  }

  /** The hypervisor, or what manages its domains, did not answer as it should. */
  record HypervisorFailure(String what, String detail) implements DomainRefusal {
    @Override
    public String code() {
      return "hypervisor-failure";
    }

    @Override
    public String message() {
      return what + " failed: " + detail;
    }

    @Override
    public String remedy() {
      return "see the logs of libvirtd or of Xen, and of the domain; 'lucos doctor' checks the host";
    }
  }
}
