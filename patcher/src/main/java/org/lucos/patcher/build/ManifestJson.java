package org.lucos.patcher.build;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.BeanProperty;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.ContextualDeserializer;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lucos.patcher.bytes.Bytes;

/**
 * The manifest as JSON: stable output; missing fields are errors, and so are unknown ones, for a
 * reader that skipped what it does not know would apply another patch than was built.
 */
final class ManifestJson {
  private static final ObjectMapper MAPPER = mapper();

  private ManifestJson() {}

  static Bytes write(PatchManifest manifest) {
    DefaultIndenter lines = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter().withObjectIndenter(lines).withArrayIndenter(lines);
    try {
      String text = MAPPER.writer(printer).writeValueAsString(manifest) + "\n";
      return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("every manifest can be written", e);
    }
  }

  /**
   * Reads a manifest.
   *
   * @throws IOException if it is none; the message says where
   */
  static PatchManifest read(Bytes json) throws IOException {
    int version = MAPPER.readTree(json.toArray()).path("formatVersion").asInt(0);
    if (version > PatchManifest.FORMAT_VERSION) {
      throw new OtherVersionException(
          "format version "
              + version
              + " is newer than this program's "
              + PatchManifest.FORMAT_VERSION);
    }
    try {
      PatchManifest manifest = MAPPER.readValue(json.toArray(), PatchManifest.class);
      if (manifest == null) {
        throw new IOException("manifest is null");
      }
      return manifest;
    } catch (UnrecognizedPropertyException e) {
      throw new OtherVersionException("unknown field " + e.getPathReference());
    }
  }

  /** A probe, held to the same rules as a manifest. */
  static PatchProbe readProbe(JsonNode json) throws JsonProcessingException {
    return MAPPER.treeToValue(json, PatchProbe.class);
  }

  /** A manifest of a format this program does not know. */
  static final class OtherVersionException extends IOException {
    private static final long serialVersionUID = 1L;

    OtherVersionException(String message) {
      super(message);
    }
  }

  private static ObjectMapper mapper() {
    SimpleModule module = new SimpleModule("lucos");
    module.addSerializer(Instant.class, new ToStringSerializer(Instant.class));
    module.addDeserializer(Instant.class, new InstantReader());
    module.addSerializer(new OptionalWriter());
    module.addDeserializer(Optional.class, new OptionalReader(null));
    return JsonMapper.builder()
        .addModule(module)
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
        .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
        .disable(MapperFeature.AUTO_DETECT_IS_GETTERS) // only the components of records
        .build();
  }

  private static final class InstantReader extends StdDeserializer<Instant> {
    private static final long serialVersionUID = 1L;

    InstantReader() {
      super(Instant.class);
    }

    @Override
    public Instant deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      String text = parser.getValueAsString("");
      try {
        return Instant.parse(text);
      } catch (DateTimeException e) {
        throw context.weirdStringException(text, Instant.class, "no ISO 8601 instant");
      }
    }
  }

  /** An empty optional is null in JSON. */
  @SuppressWarnings("rawtypes") // Jackson asks for the class, which has no type argument
  private static final class OptionalWriter extends StdSerializer<Optional> {
    private static final long serialVersionUID = 1L;

    OptionalWriter() {
      super(Optional.class);
    }

    @Override
    public void serialize(Optional value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (value.isPresent()) {
        provider.defaultSerializeValue(value.get(), out);
      } else {
        out.writeNull();
      }
    }
  }

  @SuppressWarnings("rawtypes") // as above
  private static final class OptionalReader extends StdDeserializer<Optional>
      implements ContextualDeserializer {
    private static final long serialVersionUID = 1L;

    private final @Nullable JavaType content;

    OptionalReader(@Nullable JavaType content) {
      super(Optional.class);
      this.content = content;
    }

    @Override
    public JsonDeserializer<?> createContextual(
        DeserializationContext context, BeanProperty property) {
      return new OptionalReader(property.getType().containedTypeOrUnknown(0));
    }

    @Override
    public Optional deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      return Optional.of(context.readValue(parser, content));
    }

    @Override
    public Optional getNullValue(DeserializationContext context) {
      return Optional.empty();
    }

    @Override
    public Object getAbsentValue(DeserializationContext context) {
      return Optional.empty();
    }
  }
}
