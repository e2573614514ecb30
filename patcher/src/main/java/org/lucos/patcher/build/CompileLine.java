package org.lucos.patcher.build;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.lucos.patcher.bytes.MalformedDataException;

/**
 * The command Kbuild recorded in {@code .NAME.o.cmd} for one object: the compiler and, on kernels
 * that run it on each object, objtool. Format: {@code cmd_PATH := COMMAND} or {@code savedcmd_PATH
 * := COMMAND} in the first line, with {@code $} doubled and {@code #} written as {@code $(pound)}
 * (make-cmd in scripts/Kbuild.include).
 *
 * @param compiler the compiler and its arguments, ending in {@code -c -o OBJECT SOURCE}
 * @param objtool objtool and its arguments, ending in the object; empty when not run
 */
record CompileLine(List<String> compiler, List<String> objtool) {
  private static final Pattern DEBUG = Pattern.compile("-g(\\d|dwarf.*)?");

  CompileLine {
    compiler = List.copyOf(compiler);
    objtool = List.copyOf(objtool);
  }

  /** Reads a {@code .cmd} file. */
  static CompileLine parse(String source, String text) {
    int end = text.indexOf('\n');
    String line = end < 0 ? text : text.substring(0, end);
    int assign = line.indexOf(" := ");
    if (assign < 0 || !(line.startsWith("cmd_") || line.startsWith("savedcmd_"))) {
      throw new MalformedDataException(source, 0, "no recorded command");
    }
    String command = line.substring(assign + 4).replace("$(pound)", "#").replace("$$", "$");
    List<List<String>> commands = split(source, command);
    List<String> compiler = commands.get(0);
    int size = compiler.size();
    if (size < 5 || !compiler.get(size - 3).equals("-o") || !compiler.get(size - 4).equals("-c")) {
      throw new MalformedDataException(source, 0, "recorded command does not end in -c -o OUT IN");
    }
    List<String> objtool = List.of();
    for (List<String> other : commands.subList(1, commands.size())) {
      if (!other.isEmpty() && other.get(0).endsWith("/objtool")) {
        objtool = other;
      } else if (!other.isEmpty()) {
        throw new MalformedDataException(source, 0, "unknown step after compiling: " + other);
      }
    }
    return new CompileLine(compiler, objtool);
  }

  /** The recorded source file. */
  String source() {
    return compiler.get(compiler.size() - 1);
  }

  /**
   * The compiler command for another source and object, with more flags after its own, and no debug
   * information but what these ask for.
   */
  List<String> compile(List<String> flags, String object, String input) {
    List<String> result = new ArrayList<>();
    for (String argument : compiler.subList(0, compiler.size() - 4)) {
      if (DEBUG.matcher(argument).matches()) {
        continue;
      }
      // The dependency list goes beside the object: the tree is shared and stays as it is.
      result.add(argument.startsWith("-Wp,-MMD,") ? "-Wp,-MMD," + object + ".d" : argument);
    }
    result.addAll(flags);
    result.addAll(List.of("-c", "-o", object, input));
    return result;
  }

  /** The command that preprocesses another file to {@code output}, without line markers. */
  List<String> preprocess(String output, String input) {
    List<String> result = new ArrayList<>();
    for (String argument : compiler.subList(0, compiler.size() - 4)) {
      if (!argument.startsWith("-Wp,-MMD,")) {
        result.add(argument);
      }
    }
    result.addAll(List.of("-E", "-P", "-o", output, input));
    return result;
  }

  /**
   * The same for a copy of the source elsewhere. Names of files in messages ({@code __FILE__}) stay
   * as they are.
   */
  CompileLine in(Path source, Path copy) {
    List<String> result = new ArrayList<>();
    for (String argument : compiler.subList(0, compiler.size() - 4)) {
      boolean map = argument.startsWith("-fmacro-prefix-map=");
      result.add(map ? argument : argument.replace(source + "/", copy + "/"));
    }
    result.add("-fmacro-prefix-map=" + copy + "/=");
    result.add("-iquote" + copy); // lucos.h
    result.addAll(compiler.subList(compiler.size() - 4, compiler.size() - 1));
    result.add(source().replace(source + "/", copy + "/"));
    return new CompileLine(result, objtool);
  }

  /** The objtool command for another object; empty when the kernel runs none on this object. */
  List<String> objtool(String object) {
    if (objtool.isEmpty()) {
      return List.of();
    }
    List<String> result = new ArrayList<>(objtool.subList(0, objtool.size() - 1));
    result.add(object);
    return result;
  }

  /** Splits as a POSIX shell would: quotes, backslashes, {@code ;} and {@code &&}. */
  private static List<List<String>> split(String source, String text) {
    List<List<String>> commands = new ArrayList<>();
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean inWord = false;
    char quote = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else if (c == '\\' && quote == '"' && i + 1 < text.length()) {
          word.append(text.charAt(++i));
        } else {
          word.append(c);
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
        inWord = true;
      } else if (c == '\\' && i + 1 < text.length()) {
        word.append(text.charAt(++i));
        inWord = true;
      } else if (Character.isWhitespace(c) || c == ';' || c == '&') {
        if (inWord) {
          words.add(word.toString());
          word.setLength(0);
          inWord = false;
        }
        if (c == ';' || c == '&') {
          commands.add(words);
          words = new ArrayList<>();
        }
      } else {
        word.append(c);
        inWord = true;
      }
    }
    if (quote != 0) {
      throw new MalformedDataException(source, text.length(), "quote without end");
    }
    if (inWord) {
      words.add(word.toString());
    }
    commands.add(words);
    return commands;
  }
}
