package org.lucos.patcher.build.diff;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.elf.ElfBuilder;
import org.lucos.patcher.elf.ElfObject;

/**
 * A compiled livepatch source. There is no original to compare with: everything its functions reach
 * is new, and the source itself says what they replace. Its init and exit functions and livepatch's
 * structures stay behind.
 */
public final class KlpObject {
  private final String name;
  private final ObjectModel model;

  /**
   * @param name of the object, such as {@code livepatch-sample.o}
   * @param object compiled with a section for every function and variable
   */
  public KlpObject(String name, ElfObject object) {
    this.name = name;
    this.model = new ObjectModel(object);
  }

  /**
   * What it declares.
   *
   * @throws org.lucos.patcher.refusal.RefusedException with {@code UnsupportedChange}
   */
  public KlpSource declared(KlpLayout layout) {
    return new KlpReader(name, model, layout).read();
  }

  /** The parts of it that are to be loaded. */
  public Extraction extract(KlpSource source) {
    ElfObject nothing = ElfObject.parse("nothing", Bytes.of(new ElfBuilder().build()));
    ObjectModel original = new ObjectModel(nothing);
    Set<Piece> code = new LinkedHashSet<>();
    Map<String, Piece> functions = new HashMap<>();
    for (Piece piece : model.pieces()) {
      if (piece.isFunction() && piece.role() == SectionRole.TEXT && !KlpReader.isStart(piece)) {
        code.add(piece);
        piece.symbols().forEach(symbol -> functions.put(symbol.name(), piece));
      }
    }
    Map<Piece, String> replaced = new HashMap<>();
    for (KlpSource.Function function : source.functions()) {
      Piece piece = functions.get(function.newName());
      if (piece == null) {
        throw new IllegalStateException("no function " + function.newName());
      }
      String other = replaced.putIfAbsent(piece, function.oldName());
      if (other != null) {
        throw ChangeRules.refused(
            name, piece, "it replaces both " + other + " and " + function.oldName());
      }
    }
    return new Extractor(
            name,
            original,
            model,
            new Correlation(original, model),
            new Changes(Set.of(), Set.of(), code, Set.of(), Set.of()))
        .extract(replaced);
  }
}
