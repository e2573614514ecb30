package org.lucos.patcher.cli;

import org.lucos.patcher.app.Version;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command line as a whole. */
@Command(
    name = "lucos",
    description = "Patches the running Linux kernel of a virtual machine from the outside.",
    mixinStandardHelpOptions = true,
    versionProvider = LucosCommand.VersionProvider.class,
    subcommands = {
      BuildCommand.class,
      KeygenCommand.class,
      SignCommand.class,
      InspectCommand.class,
      RecipesCommand.class,
      PlanCommand.class,
      ApplyCommand.class,
      SettleCommand.class,
      RevertCommand.class,
      RecoverCommand.class,
      StatusCommand.class,
      ListCommand.class,
      VerifyCommand.class,
      AuditCommand.class,
      BlockingCommand.class,
      AgentCommand.class,
      DmesgCommand.class,
      PsCommand.class,
      WatchCommand.class,
      DoctorCommand.class,
      HelpCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
final class LucosCommand implements Runnable {
  private final Console console;

  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli sets spec before it runs anything
  LucosCommand(Console console) {
    this.console = console;
  }

  Console console() {
    return console;
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command");
  }

  /** Reads the version from the jar. */
  static final class VersionProvider implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"lucos " + Version.current()};
    }
  }
}
