package org.lucos.patcher.refusal;

import org.lucos.bridge.domain.DomainRefusal;

/** The guest is not there, or does not let itself be patched. */
public sealed interface GuestRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.GUEST_UNAVAILABLE;
  }

  /** The hypervisor layer refuses the domain. */
  record DomainUnavailable(DomainRefusal reason) implements GuestRefusal {
    @Override
    public String code() {
      return reason.code();
    }

    @Override
    public String message() {
      return reason.message();
    }

    @Override
    public String remedy() {
      return reason.remedy();
    }
  }

  /** No Linux kernel that describes itself was found in guest memory. */
  record KernelNotFound(String guest, String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "no usable Linux kernel found in guest '" + guest + "': " + detail;
    }

    @Override
    public String remedy() {
      return "wait until the guest has booted; kernels need VMCOREINFO, kallsyms and BTF";
    }
  }

  /** A build was to be for what runs here, and nothing that does can be read. */
  record NoGuests(String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "no running guest tells its kernel: " + detail;
    }

    @Override
    public String remedy() {
      return "start the guests, or name kernels with --kernel";
    }
  }

  /** Memory describes a kernel, but the CPUs run another or none: the guest was reset. */
  record KernelNotRunning(String guest) implements GuestRefusal {
    @Override
    public String message() {
      return "guest '" + guest + "' does not run the kernel that its memory describes";
    }

    @Override
    public String remedy() {
      return "it was reset a moment ago: wait until it has booted";
    }
  }

  /** The guest left the boot in which work on it began. */
  record GuestRebooted(String guest, String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "guest '" + guest + "' was rebooted, shut down or crashed meanwhile: " + detail;
    }

    @Override
    public String remedy() {
      return "nothing of a patch outlives a boot: wait until it has booted, then repeat the command";
    }
  }

  /** Guest memory could not be read where something should be. */
  record MemoryUnreadable(String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "guest memory cannot be read: " + detail;
    }

    @Override
    public String remedy() {
      return "see 'lucos status GUEST' and repeat the command; 'lucos doctor GUEST' looks at guest and host";
    }
  }

  /** The guest does not take unsigned modules. */
  record ModulesForbidden(String policy) implements GuestRefusal {
    @Override
    public ExitCode exitCode() {
      return ExitCode.FORBIDDEN_BY_GUEST;
    }

    @Override
    public String message() {
      return "the guest's kernel takes no unsigned modules: " + policy;
    }

    @Override
    public String remedy() {
      return "boot the guest without lockdown, Secure Boot or module.sig_enforce, or patch it from inside";
    }
  }

  /** A question needs the guest's agent, and none answers as one. */
  record NoAgent(String guest, String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "no agent answers in guest '" + guest + "': " + detail;
    }

    @Override
    public String remedy() {
      return "see guest-agent/README.md: the domain needs the channel, the guest the agent; patching"
          + " needs neither";
    }
  }

  /** A probe that the operator requires could not be run. */
  record ProbeNotRun(String guest, String detail) implements GuestRefusal {
    @Override
    public String message() {
      return "in guest '" + guest + "' " + detail;
    }

    @Override
    public String remedy() {
      return "see guest-agent/README.md; without --require-probes the patch is applied, and what was"
          + " not run is said";
    }
  }

  /** The agent will not, or cannot, do what it was asked. */
  record AgentUnwilling(String guest, String detail) implements GuestRefusal {
    @Override
    public ExitCode exitCode() {
      return ExitCode.FORBIDDEN_BY_GUEST;
    }

    @Override
    public String message() {
      return "in guest '" + guest + "' " + detail;
    }

    @Override
    public String remedy() {
      return "ask for something else, or start the agent with what it takes";
    }
  }
}
