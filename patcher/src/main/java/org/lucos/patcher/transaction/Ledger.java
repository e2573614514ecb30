package org.lucos.patcher.transaction;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.CallbackKind;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.kernel.KernelSymbol;
import org.lucos.patcher.kernel.LoadedModule;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.plan.TextEdit;

/**
 * What a patch module says of itself, in a read-only section of its own: enough to verify and
 * revert it with no record outside the guest, such as after a live migration. It is guest memory,
 * and so evidence only: every write it leads to is compared with the bytes that are there first.
 *
 * @param format {@value #FORMAT}
 * @param patch the patch's name
 * @param description one line on what it is for
 * @param fixes identifiers of what it fixes
 * @param createdBy version of the tool that made it
 * @param appliedAt when it was applied, ISO-8601
 * @param targets the functions it replaces
 * @param escapes symbols of the module whose addresses the kernel may keep: its memory must stay
 * @param callbacks functions of the module that run around a switch; absent in older ledgers
 * @param modules the modules whose code it changes; none for a patch of vmlinux
 * @param requires names of patches that must be applied as long as this one is
 * @param immediate whether tasks may have been left inside the old code when it was applied
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Ledger(
    int format,
    String patch,
    String description,
    List<String> fixes,
    String createdBy,
    String appliedAt,
    List<Target> targets,
    List<String> escapes,
    @JsonSetter(nulls = Nulls.AS_EMPTY) List<Callback> callbacks,
    @JsonSetter(nulls = Nulls.AS_EMPTY) List<PatchedModule> modules,
    @JsonSetter(nulls = Nulls.AS_EMPTY) List<String> requires,
    boolean immediate) {

  /** The only format so far. */
  public static final int FORMAT = 1;

  /** Names of patch modules begin with this. */
  public static final String MODULE_PREFIX = "lucos_";

  /** The module symbol the text begins at. */
  public static final String SYMBOL = "lucos_ledger";

  private static final int MAX_SIZE = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Copies the lists. */
  public Ledger {
    fixes = List.copyOf(fixes);
    targets = List.copyOf(targets);
    escapes = List.copyOf(escapes);
    callbacks = List.copyOf(callbacks);
    modules = List.copyOf(modules);
    requires = List.copyOf(requires);
  }

  /**
   * A module whose code is changed, as it was loaded then.
   *
   * @param name as the kernel lists it
   * @param struct where its {@code struct module} was
   * @param text its code
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record PatchedModule(String name, long struct, Code text) {
    /** Refuses what cannot be a module. */
    public PatchedModule {
      requireNonNull(name);
      text.range();
    }

    /** Whether this is that module, still loaded at the same place. */
    public boolean isStill(LoadedModule module) {
      return name.equals(module.name())
          && struct == module.struct().value()
          && module.part(LoadedModule.Kind.TEXT).filter(text.range()::equals).isPresent();
    }
  }

  /** The module that has a target's site; nothing for vmlinux. */
  public Optional<PatchedModule> moduleOf(Target target) {
    return modules.stream()
        .filter(module -> module.text().range().contains(target.siteAddress()))
        .findFirst();
  }

  /**
   * One replaced function.
   *
   * @param function its name
   * @param replacement the module's symbol that replaces it
   * @param site where the jump is written
   * @param original the bytes at the site without the jump, in hexadecimal
   * @param code the function's own code, cold parts included
   * @param over the module whose jump {@code original} is; empty if it is the function's own code
   * @param own the function's own bytes at the site, in hexadecimal; empty if {@code original}
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Target(
      String function,
      String replacement,
      long site,
      String original,
      List<Code> code,
      @JsonSetter(nulls = Nulls.AS_EMPTY) String over,
      @JsonSetter(nulls = Nulls.AS_EMPTY) String own) {

    /** Copies the list. */
    public Target {
      code = List.copyOf(code);
    }

    /** Where the jump is written. */
    public GuestVirtualAddress siteAddress() {
      return new GuestVirtualAddress(site);
    }

    /** The bytes at the site without the jump. */
    public byte[] originalBytes() {
      return HexFormat.of().parseHex(original);
    }

    /** The function's own bytes at the site. */
    public byte[] ownBytes() {
      return own.isEmpty() ? originalBytes() : HexFormat.of().parseHex(own);
    }
  }

  /**
   * A callback of the patch.
   *
   * @param kind such as {@code pre_patch}
   * @param function its author's
   * @param module whose code it goes with; empty for vmlinux
   * @param run the module's symbol that calls it
   * @param slot the module's symbol of its {@code struct lucos_callback}
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Callback(
      CallbackKind kind, String function, String module, String run, String slot) {}

  /** A run of code. */
  public record Code(long start, long size) {
    /** As a range. */
    public AddressRange range() {
      return new AddressRange(new GuestVirtualAddress(start), size);
    }
  }

  /** The text to put into a module, ended by a NUL. */
  public byte[] encode() {
    try {
      byte[] json = JSON.writeValueAsBytes(this);
      return Arrays.copyOf(json, json.length + 1);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("ledger cannot be written", e);
    }
  }

  /** Reads the ledger of a loaded module; nothing if it is no patch module. */
  public static Optional<Ledger> of(RunningKernel kernel, LoadedModule module) {
    if (!module.name().startsWith(MODULE_PREFIX)) {
      return Optional.empty();
    }
    Optional<KernelSymbol> symbol =
        module.symbols().stream().filter(s -> s.name().equals(SYMBOL)).findFirst();
    return symbol.map(
        found ->
            decode(
                "ledger of module " + module.name(),
                kernel.memory().cString(found.address(), MAX_SIZE)));
  }

  static Ledger decode(String source, String text) {
    try {
      Ledger ledger =
          JSON.readValue(text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1), Ledger.class);
      if (ledger.format() != FORMAT) {
        throw new MalformedDataException(source, 0, "unknown format " + ledger.format());
      }
      for (Target target : ledger.targets()) {
        if (target.originalBytes().length != TextEdit.REDIRECT_SIZE
            || target.ownBytes().length != TextEdit.REDIRECT_SIZE) {
          throw new MalformedDataException(source, 0, "site of " + target.function());
        }
      }
      return ledger;
    } catch (IOException | IllegalArgumentException | NullPointerException e) {
      throw new MalformedDataException(source, 0, "no valid ledger (" + e.getMessage() + ")");
    }
  }
}
