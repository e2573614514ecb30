package org.lucos.tests.guest;

import java.time.Duration;

/**
 * What a command in the guest did.
 *
 * @param status exit status as the shell gives it (128 + signal for a killed command)
 * @param stdout all it wrote, as UTF-8
 * @param stderr all it wrote there
 * @param took time from sending the command to its answer
 */
public record CommandResult(
    String command, int status, String stdout, String stderr, Duration took) {}
