package org.lucos.patcher.app;

import java.time.Duration;
import org.lucos.patcher.agent.AgentAnswer;
import org.lucos.patcher.agent.AgentException;
import org.lucos.patcher.agent.AgentLink;
import org.lucos.patcher.agent.AgentRequest;

/** Who runs probes in a guest. Every method throws {@link AgentException} if it does not. */
interface ProbeRunner {
  /** What it calls itself. */
  String name();

  /**
   * Runs a probe, with the program it brings along.
   *
   * @param beyond how much later than the probe's own limit the answer may come
   */
  AgentAnswer.Job run(ProbeReport.Planned planned, Duration beyond);

  /** Fails if it does not answer any more. */
  void ping();

  /**
   * Our own agent.
   *
   * @param pingLimit how long a sign of life may take
   */
  static ProbeRunner of(AgentLink link, Duration pingLimit) {
    return new ProbeRunner() {
      @Override
      public String name() {
        return link.hello().agent();
      }

      @Override
      public AgentAnswer.Job run(ProbeReport.Planned planned, Duration beyond) {
        AgentRequest.Probe request = ProbeJudge.request(planned.probe());
        planned.program().ifPresent(program -> link.bring(program, pingLimit));
        return link.ask(request, request.limit().plus(beyond));
      }

      @Override
      public void ping() {
        link.ask(new AgentRequest.Ping(), pingLimit);
      }
    };
  }
}
