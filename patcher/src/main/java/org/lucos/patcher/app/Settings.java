package org.lucos.patcher.app;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.lucos.bridge.domain.GuestHost;
import org.lucos.bridge.host.GuestHosts;

/**
 * Where things are on this host.
 *
 * @param connection which hypervisor: see {@link GuestHosts}
 * @param cache downloads, kernel trees and decoded symbol tables; may be deleted at any time
 * @param state records of operations
 * @param locks one lock file a guest; must not survive a reboot of the host
 * @param recipes the folder {@code kernel-patches} of this installation
 * @param keys public keys of those whose bundles are taken
 * @param clock what records are dated by
 * @param hosts opens a connection by its URI
 */
public record Settings(
    String connection,
    Path cache,
    Path state,
    Path locks,
    Path recipes,
    Path keys,
    InstantSource clock,
    Function<String, GuestHost> hosts) {
  /** How long a callback of a patch may run, unless told otherwise. */
  public static final Duration CALLBACK_LIMIT = Duration.ofSeconds(60);

  /** How long a guest may be stopped for a switch, unless told otherwise. */
  public static final Duration MAX_PAUSE = Duration.ofMillis(5);

  /** The connection used when none is named. */
  public static final String DEFAULT_CONNECTION = "qemu:///system";

  /** With this host's own connections. */
  public Settings(
      String connection,
      Path cache,
      Path state,
      Path locks,
      Path recipes,
      Path keys,
      InstantSource clock) {
    this(connection, cache, state, locks, recipes, keys, clock, GuestHosts::open);
  }

  /** Connects to the hypervisor. */
  GuestHost connect() {
    return hosts.apply(connection);
  }

  /**
   * Defaults, overridden by {@code LUCOS_CACHE}, {@code LUCOS_STATE}, {@code LUCOS_LOCKS}, {@code
   * LUCOS_RECIPES}, {@code LUCOS_KEYS} and libvirt's own {@code LIBVIRT_DEFAULT_URI}.
   */
  public static Settings from(Map<String, String> environment, Optional<String> connection) {
    return new Settings(
        connection.orElseGet(
            () -> environment.getOrDefault("LIBVIRT_DEFAULT_URI", DEFAULT_CONNECTION)),
        Path.of(environment.getOrDefault("LUCOS_CACHE", "/var/cache/lucos")),
        Path.of(environment.getOrDefault("LUCOS_STATE", "/var/lib/lucos")),
        Path.of(environment.getOrDefault("LUCOS_LOCKS", "/run/lucos")),
        Path.of(environment.getOrDefault("LUCOS_RECIPES", "kernel-patches")),
        Path.of(environment.getOrDefault("LUCOS_KEYS", "/etc/lucos/keys")),
        InstantSource.system());
  }

  /** The same with its own records and locks, below a directory. */
  public Settings below(Path directory) {
    return new Settings(
        connection,
        cache,
        directory.resolve("state"),
        directory.resolve("locks"),
        recipes,
        keys,
        clock,
        hosts);
  }

  /** The same with another directory of trusted keys. */
  public Settings withKeys(Path directory) {
    return new Settings(connection, cache, state, locks, recipes, directory, clock, hosts);
  }

  /** The same with guests reached in another way. */
  public Settings through(Function<String, GuestHost> others) {
    return new Settings(connection, cache, state, locks, recipes, keys, clock, others);
  }
}
