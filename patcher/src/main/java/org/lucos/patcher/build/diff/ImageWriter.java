package org.lucos.patcher.build.diff;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.build.PatchVariant;
import org.lucos.patcher.build.PatchVariant.Escape;
import org.lucos.patcher.build.PatchVariant.NewFunction;
import org.lucos.patcher.build.PatchVariant.SymbolReference;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfFormat;
import org.lucos.patcher.elf.SymbolBinding;
import org.lucos.patcher.elf.SymbolType;
import org.lucos.patcher.refusal.ChangeRefusal;
import org.lucos.patcher.refusal.RefusedException;

/** Lays the fragments of all C files out in sections and writes them. */
final class ImageWriter {
  /** A fragment and the file it is of. */
  private record Key(int file, int fragment) {}

  /** Where a fragment went. */
  private record Place(ElfBuilder.Section section, long offset) {}

  /** A symbol and bytes behind it; without a symbol, the address 0. */
  private record Destination(ElfBuilder.@Nullable Symbol symbol, long offset) {}

  private final List<Extraction> files;
  private final Map<String, String> modules;
  private final ElfBuilder builder = new ElfBuilder();
  private final Map<Key, Place> places = new HashMap<>();
  private final Map<Key, String> names = new HashMap<>();
  private final Map<Key, ElfBuilder.Symbol> symbols = new HashMap<>();
  private final Set<String> sectionNames = new HashSet<>();
  private final Set<String> symbolNames = new HashSet<>();
  private final Map<String, ElfBuilder.Symbol> undefined = new HashMap<>();
  private final Map<String, SymbolReference> references = new TreeMap<>();

  ImageWriter(List<Extraction> extractions, Map<String, String> modules) {
    this.modules = Map.copyOf(modules);
    this.files = extractions.stream().sorted(Comparator.comparing(Extraction::object)).toList();
    long distinct = files.stream().map(Extraction::object).distinct().count();
    if (distinct != files.size()) {
      throw new IllegalArgumentException("two extractions of one object");
    }
  }

  PatchImage write() {
    Map<String, GatheredSection> shared = new LinkedHashMap<>();
    for (int file = 0; file < files.size(); file++) {
      List<Fragment> fragments = files.get(file).fragments();
      for (int i = 0; i < fragments.size(); i++) {
        Fragment fragment = fragments.get(i);
        if (fragment.sharing() == Fragment.Sharing.ALONE) {
          placeAlone(new Key(file, i), fragment);
        } else {
          shared
              .computeIfAbsent(fragment.section(), name -> new GatheredSection())
              .add(file, i, fragment);
        }
      }
    }
    shared.forEach(this::placeShared);
    for (int file = 0; file < files.size(); file++) {
      for (int i = 0; i < files.get(file).fragments().size(); i++) {
        label(new Key(file, i));
      }
    }
    for (int file = 0; file < files.size(); file++) {
      for (int i = 0; i < files.get(file).fragments().size(); i++) {
        relocate(new Key(file, i));
      }
    }
    return result();
  }

  private Fragment fragment(Key key) {
    return files.get(key.file).fragments().get(key.fragment);
  }

  private void placeAlone(Key key, Fragment f) {
    String name = unique(f.section(), sectionNames);
    ElfBuilder.Section section =
        f.type() == ElfFormat.SHT_NOBITS
            ? builder.noBits(name, f.flags(), f.alignment(), f.size())
            : builder.section(name, f.type(), f.flags(), f.alignment(), f.entrySize(), f.bytes());
    places.put(key, new Place(section, 0));
  }

  private void placeShared(String name, GatheredSection gathered) {
    Fragment first = gathered.first();
    Bytes content = gathered.lay();
    ElfBuilder.Section section =
        builder.section(
            unique(name, sectionNames),
            first.type(),
            first.flags(),
            gathered.alignment(),
            first.entrySize(),
            content);
    gathered
        .offsets()
        .forEach(
            (member, offset) ->
                places.put(new Key(member.file(), member.fragment()), new Place(section, offset)));
  }

  private void label(Key key) {
    Place place = place(key);
    boolean first = true;
    for (Fragment.Label label : fragment(key).labels()) {
      String name = unique(label.name(), symbolNames);
      ElfBuilder.Symbol symbol =
          builder.symbol(
              name,
              place.section,
              place.offset + label.offset(),
              label.size(),
              SymbolBinding.LOCAL,
              label.type());
      if (first) {
        names.put(key, name);
        symbols.put(key, symbol);
        first = false;
      }
    }
  }

  /** The name itself, or with a number behind it if it is taken. */
  private static String unique(String name, Set<String> taken) {
    String candidate = name;
    for (int i = 2; !taken.add(candidate); i++) {
      candidate = name + ".." + i;
    }
    return candidate;
  }

  private Place place(Key key) {
    Place place = places.get(key);
    if (place == null) {
      throw new IllegalStateException("fragment without place: " + key);
    }
    return place;
  }

  private void relocate(Key key) {
    Place from = place(key);
    for (Fragment.Link link : fragment(key).links()) {
      Destination to = destination(key.file, link);
      builder.relocation(
          from.section,
          from.offset + link.offset(),
          link.type(),
          to.symbol,
          link.addend() + to.offset);
    }
  }

  private Destination destination(int file, Fragment.Link link) {
    Fragment.Goal goal = link.goal();
    if (goal instanceof Fragment.InImage inside) {
      return inImage(new Key(file, inside.fragment()));
    }
    if (goal instanceof Fragment.InKernel kernel) {
      return new Destination(own(files.get(file).object(), kernel), 0);
    }
    if (goal instanceof Fragment.Outside outside) {
      return outside(file, outside.name(), link.branch());
    }
    return new Destination(null, 0);
  }

  /** The start of a fragment, through its name where it has one. */
  private Destination inImage(Key key) {
    Place place = place(key);
    ElfBuilder.Symbol symbol = symbols.get(key);
    return symbol == null
        ? new Destination(builder.sectionSymbol(place.section), place.offset)
        : new Destination(symbol, -nameOffset(key));
  }

  private long nameOffset(Key key) {
    return fragment(key).name().map(Fragment.Label::offset).orElse(0L);
  }

  private Optional<String> module(int file) {
    return Optional.ofNullable(modules.get(files.get(file).object()));
  }

  /**
   * What one file leaves open, another of the same module or of vmlinux may have, or one of another
   * module that exports it from now on.
   */
  private Destination outside(int from, String name, boolean branch) {
    for (int file = 0; file < files.size(); file++) {
      Extraction.Exported exported = files.get(file).exported().get(name);
      if (file == from
          || exported == null
          || !(exported.toModules() || isSeen(module(file), module(from)))) {
        continue;
      }
      if (exported.replaced() && !branch) {
        Fragment.InKernel old = new Fragment.InKernel(name, Fragment.Kind.FUNCTION, false);
        return new Destination(own(files.get(file).object(), old), 0);
      }
      Key key = new Key(file, exported.fragment());
      Destination start = inImage(key);
      return new Destination(start.symbol, start.offset + nameOffset(key));
    }
    return new Destination(outside(module(from), name), 0);
  }

  private static boolean isSeen(Optional<String> module, Optional<String> from) {
    return module.isEmpty() || module.equals(from);
  }

  private ElfBuilder.Symbol outside(Optional<String> module, String name) {
    String symbol = module.map(m -> m + ":" + name).orElse(name);
    references.computeIfAbsent(
        symbol,
        s ->
            new SymbolReference(
                s,
                name,
                Optional.empty(),
                PatchVariant.Kind.UNKNOWN,
                false,
                Optional.empty(),
                module));
    return undefined(symbol);
  }

  private ElfBuilder.Symbol own(String object, Fragment.InKernel kernel) {
    String name = object + ":" + kernel.name();
    references.computeIfAbsent(
        name,
        n ->
            new SymbolReference(
                n,
                kernel.name(),
                Optional.of(object),
                switch (kernel.kind()) {
                  case FUNCTION -> PatchVariant.Kind.FUNCTION;
                  case OBJECT -> PatchVariant.Kind.OBJECT;
                  case PER_CPU -> PatchVariant.Kind.PER_CPU;
                },
                kernel.local(),
                Optional.of(kernel.name()),
                Optional.ofNullable(modules.get(object))));
    return undefined(name);
  }

  private ElfBuilder.Symbol undefined(String name) {
    return undefined.computeIfAbsent(name, n -> builder.undefined(n, SymbolType.NOTYPE));
  }

  private PatchImage result() {
    List<PatchImage.ReplacedFunction> functions = new ArrayList<>();
    List<NewFunction> added = new ArrayList<>();
    List<Escape> escapes = new ArrayList<>();
    List<PatchVariant.Callback> callbacks = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      int file = i;
      Extraction extraction = files.get(file);
      for (Extraction.Replaced r : extraction.replaced()) {
        functions.add(
            new PatchImage.ReplacedFunction(
                r.name(),
                extraction.object(),
                r.local(),
                name(new Key(file, r.fragment())),
                r.oldParts(),
                r.newParts().stream().map(part -> name(new Key(file, part))).toList()));
      }
      for (Extraction.Added a : extraction.added()) {
        Key key = new Key(file, a.fragment());
        String source = fragment(key).name().orElseThrow().name();
        added.add(new NewFunction(source, extraction.object(), name(key), a.size()));
      }
      for (Extraction.Escaping e : extraction.escaping()) {
        escapes.add(new Escape(name(new Key(file, e.fragment())), e.detail()));
      }
      for (Extraction.Callback c : extraction.callbacks()) {
        callbacks.add(
            new PatchVariant.Callback(
                c.kind(),
                c.function(),
                extraction.object(),
                name(new Key(file, c.run())),
                name(new Key(file, c.slot()))));
      }
    }
    if (functions.isEmpty() && added.isEmpty()) {
      throw new RefusedException(
          new ChangeRefusal.NothingChanged(
              String.join(", ", files.stream().map(Extraction::object).toList())));
    }
    return new PatchImage(
        Bytes.of(builder.build()),
        functions,
        added,
        List.copyOf(references.values()),
        escapes,
        callbacks);
  }

  private String name(Key key) {
    String name = names.get(key);
    if (name == null) {
      throw new IllegalStateException("fragment without name: " + key);
    }
    return name;
  }
}
