package org.lucos.patcher.build.diff;

import com.google.common.collect.HashMultimap;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.MultimapBuilder;
import com.google.common.collect.SetMultimap;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Matches static local variables by votes: a function that refers to one before and after the
 * change names the pair. Code that is the same but for these references votes place by place, and
 * its votes count first. Code that changed votes for the only variable of a name that it refers to,
 * and among several for those their content tells apart: the order of references means nothing, as
 * the compiler moves blocks at will. Votes that contradict each other do not count.
 */
final class StaticLocals {
  private final Correlation correlation;
  private final ObjectModel original;
  private final ObjectModel patched;
  private final LineNumbers lines;

  StaticLocals(Correlation correlation, ObjectModel original, ObjectModel patched) {
    this.correlation = correlation;
    this.original = original;
    this.patched = patched;
    this.lines = new LineNumbers(original, patched);
  }

  /** Votes of one round, from both sides. */
  private final class Ballot {
    private final SetMultimap<Piece, Piece> votes = HashMultimap.create();
    private final SetMultimap<Piece, Piece> reverse = HashMultimap.create();

    void count(Piece before, Piece after) {
      if (isOpen(before)
          && isOpen(after)
          && base(before).equals(base(after))
          && before.size() == after.size()
          && before.role() == after.role()) {
        votes.put(before, after);
        reverse.put(after, before);
      }
    }

    /** Matches those that are undisputed; whether there are any. */
    boolean elect() {
      boolean progress = false;
      for (Piece before : votes.keySet()) {
        Set<Piece> candidates = votes.get(before);
        Piece after = candidates.iterator().next();
        if (candidates.size() == 1 && reverse.get(after).size() == 1) {
          correlation.add(before, after);
          progress = true;
        }
      }
      return progress;
    }
  }

  void correlate() {
    boolean progress = true;
    while (progress) {
      // a variable matched in one round may vote in the next
      progress = round(true) || round(false);
    }
    findAmbiguous();
  }

  private boolean round(boolean unchangedCode) {
    Ballot ballot = new Ballot();
    for (Piece before : original.pieces()) {
      Optional<Piece> after = correlation.patchedOf(before);
      if (after.isPresent() && isSameButForReferences(before, after.get()) == unchangedCode) {
        if (unchangedCode) {
          voteByPlace(before, after.get(), ballot);
        } else {
          voteByName(before, after.get(), ballot);
        }
      }
    }
    return ballot.elect();
  }

  private boolean isSameButForReferences(Piece before, Piece after) {
    List<Reference> from = original.references(before);
    List<Reference> to = patched.references(after);
    boolean sameBytes =
        original.maskedBytes(before).equals(patched.maskedBytes(after))
            || lines.areAllThatDiffers(before, after);
    if (from.size() != to.size() || !sameBytes) {
      return false;
    }
    for (int i = 0; i < from.size(); i++) {
      if (from.get(i).offset() != to.get(i).offset()
          || from.get(i).plainType() != to.get(i).plainType()) {
        return false;
      }
    }
    return true;
  }

  private void voteByPlace(Piece before, Piece after, Ballot ballot) {
    List<Reference> from = original.references(before);
    List<Reference> to = patched.references(after);
    for (int i = 0; i < from.size(); i++) {
      vote(from.get(i), to.get(i), ballot);
    }
    List<TableEntry> olds = original.entries(before);
    List<TableEntry> news = patched.entries(after);
    for (int i = 0; i < olds.size() && olds.size() == news.size(); i++) {
      if (olds.get(i).format() == news.get(i).format()
          && olds.get(i).place() == news.get(i).place()) {
        vote(last(olds.get(i)), last(news.get(i)), ballot);
      }
    }
  }

  /** The key of a jump label or static call: code may refer to it in no other way. */
  private static Reference last(TableEntry entry) {
    return entry.references().get(entry.references().size() - 1);
  }

  private static void vote(Reference before, Reference after, Ballot ballot) {
    Optional<Piece> from = numbered(before);
    Optional<Piece> to = numbered(after);
    if (from.isPresent() && to.isPresent()) {
      ballot.count(from.get(), to.get());
    }
  }

  private void voteByName(Piece before, Piece after, Ballot ballot) {
    ListMultimap<String, Piece> from = open(original, before);
    ListMultimap<String, Piece> to = open(patched, after);
    Set<String> undecided = new LinkedHashSet<>();
    for (String name : from.keySet()) {
      List<Piece> olds = from.get(name);
      List<Piece> news = to.get(name);
      if (olds.size() == 1 && news.size() == 1) {
        ballot.count(olds.get(0), news.get(0));
      } else if (!voteByContent(olds, news, ballot) && Names.isBookkeeping(olds.get(0).name())) {
        undecided.add(name);
      }
    }
    voteByNeighbours(before, after, undecided, ballot);
  }

  /** Whether any of them is told apart by what it refers to. */
  private boolean voteByContent(List<Piece> olds, List<Piece> news, Ballot ballot) {
    ListMultimap<List<Object>, Piece> from = byContent(original, olds);
    ListMultimap<List<Object>, Piece> to = byContent(patched, news);
    boolean told = false;
    for (List<Object> content : from.keySet()) {
      if (!content.isEmpty() && from.get(content).size() == 1 && to.get(content).size() == 1) {
        ballot.count(from.get(content).get(0), to.get(content).get(0));
        told = true;
      }
    }
    return told;
  }

  private static ListMultimap<List<Object>, Piece> byContent(
      ObjectModel model, List<Piece> pieces) {
    ListMultimap<List<Object>, Piece> found = MultimapBuilder.hashKeys().arrayListValues().build();
    pieces.forEach(piece -> found.put(tokens(model.references(piece)), piece));
    return found;
  }

  /** A guess, good enough for flags of once-only messages: it does no harm if it is wrong. */
  private void voteByNeighbours(Piece before, Piece after, Set<String> names, Ballot ballot) {
    if (names.isEmpty()) {
      return;
    }
    List<Reference> olds = original.references(before);
    List<Reference> news = patched.references(after);
    for (Alignment.Match match : Alignment.of(tokens(olds), tokens(news))) {
      if (numbered(olds.get(match.first())).filter(p -> names.contains(base(p))).isPresent()) {
        vote(olds.get(match.first()), news.get(match.second()), ballot);
      }
    }
  }

  /** What references are about, as far as it is the same in both objects. */
  private static List<Object> tokens(List<Reference> references) {
    List<Object> tokens = new ArrayList<>();
    for (Reference reference : references) {
      Target target = reference.target();
      if (target instanceof Target.Inside inside) {
        tokens.add(base(inside.piece()));
      } else if (target instanceof Target.Literal literal) {
        tokens.add(literal.text());
      } else if (target instanceof Target.Constant constant) {
        tokens.add(constant.value());
      } else {
        tokens.add(target);
      }
    }
    return tokens;
  }

  private static Optional<Piece> numbered(Reference reference) {
    return reference.target() instanceof Target.Inside inside
            && Correlation.isNumbered(inside.piece())
        ? Optional.of(inside.piece())
        : Optional.empty();
  }

  /** Variables a piece refers to and that are not matched yet, each once, by base name. */
  private ListMultimap<String, Piece> open(ObjectModel model, Piece piece) {
    Set<Piece> found = new LinkedHashSet<>();
    for (Reference reference : model.references(piece)) {
      numbered(reference).filter(this::isOpen).ifPresent(found::add);
    }
    for (TableEntry entry : model.entries(piece)) {
      numbered(last(entry)).filter(this::isOpen).ifPresent(found::add);
    }
    ListMultimap<String, Piece> named = MultimapBuilder.linkedHashKeys().arrayListValues().build();
    found.forEach(p -> named.put(base(p), p));
    return named;
  }

  private boolean isOpen(Piece piece) {
    return correlation.patchedOf(piece).isEmpty() && correlation.originalOf(piece).isEmpty();
  }

  private static String base(Piece piece) {
    return Names.numberedBase(piece.name()).orElse(piece.name());
  }

  /** What is left on both sides under one name may be the same, or may not. */
  private void findAmbiguous() {
    Set<String> left = new LinkedHashSet<>();
    for (Piece piece : original.pieces()) {
      if (piece.kind() == Piece.Kind.VARIABLE && isOpen(piece)) {
        left.add(base(piece));
      }
    }
    for (Piece piece : patched.pieces()) {
      if (piece.kind() == Piece.Kind.VARIABLE && isOpen(piece) && left.contains(base(piece))) {
        correlation.addAmbiguous(piece);
      }
    }
  }
}
