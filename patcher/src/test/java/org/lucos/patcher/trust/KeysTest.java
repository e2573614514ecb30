package org.lucos.patcher.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.TrustRefusal;

class KeysTest {
  private static final Bytes TEXT = Bytes.of("a manifest\n".getBytes(StandardCharsets.US_ASCII));

  @TempDir Path folder;

  @Test
  void aKeyIsWrittenForItsOwnerAloneAndReadAgain() throws IOException {
    Path file = folder.resolve("build.key");
    SigningKey key = SigningKey.generate("build");
    Path open = key.write(file);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    SigningKey read = SigningKey.read(file);
    assertThat(read.verifyKey().id()).isEqualTo(key.verifyKey().id());
    assertThat(VerifyKey.read(open).id()).isEqualTo(key.verifyKey().id());
    assertThat(VerifyKey.read(open).verifies(TEXT, read.sign(TEXT))).isTrue();
    refused(InputRefusal.FileExists.class, () -> key.write(file));
  }

  @Test
  void opensslTakesOurKeysAndSignatures() throws Exception {
    Path file = folder.resolve("ours.key");
    SigningKey key = SigningKey.generate("ours");
    Path open = key.write(file);
    Path text = Files.write(folder.resolve("text"), TEXT.toArray());
    Path signature = Files.write(folder.resolve("sig"), key.sign(TEXT).value().toArray());

    assertThat(verify(open, text, signature)).contains("Verified Successfully");
    assertThat(openssl("pkey", "-in", file.toString(), "-pubout"))
        .isEqualTo(Files.readString(open));
    Files.writeString(text, "another manifest\n");
    assertThat(verify(open, text, signature)).doesNotContain("Successfully");
  }

  @Test
  void weTakeOpensslsKeysAndSignatures() throws Exception {
    Path file = folder.resolve("theirs.key");
    Path open = folder.resolve("theirs.key.pub");
    openssl("genpkey", "-algorithm", "ed25519", "-out", file.toString());
    openssl("pkey", "-in", file.toString(), "-pubout", "-out", open.toString());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Path text = Files.write(folder.resolve("text"), TEXT.toArray());
    Path made = folder.resolve("sig");
    openssl(
        "pkeyutl",
        "-sign",
        "-inkey",
        file.toString(),
        "-rawin",
        "-in",
        text.toString(),
        "-out",
        made.toString());
    VerifyKey key = VerifyKey.read(open);
    BundleSignature signature = new BundleSignature(key.id(), Bytes.of(Files.readAllBytes(made)));

    assertThat(key.verifies(TEXT, signature)).isTrue();
    assertThat(SigningKey.read(file).sign(TEXT)).isEqualTo(signature);
    assertThat(key.verifies(Bytes.zeros(3), signature)).isFalse();
  }

  @Test
  void aPrivateKeyThatOthersCanReadIsRefused() throws IOException {
    Path file = folder.resolve("open.key");
    SigningKey.generate("open").write(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    refused(TrustRefusal.KeyExposed.class, () -> SigningKey.read(file));
  }

  @Test
  void trustedKeysThatOthersCouldReplaceAreRefused() throws IOException {
    Path keys = Files.createDirectory(folder.resolve("keys"));
    SigningKey.generate("a").write(keys.resolve("a"));
    assertThat(TrustedKeys.in(keys).all()).hasSize(1);
    Files.setPosixFilePermissions(
        keys.resolve("a.pub"), PosixFilePermissions.fromString("rw-rw-r--"));
    refused(TrustRefusal.KeyExposed.class, () -> TrustedKeys.in(keys));
    Files.setPosixFilePermissions(
        keys.resolve("a.pub"), PosixFilePermissions.fromString("rw-r--r--"));
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rwxrwxrwx"));
    refused(TrustRefusal.KeyExposed.class, () -> TrustedKeys.in(keys));
  }

  @Test
  void whatIsNoKeyIsNamed() throws Exception {
    Path rsa = folder.resolve("rsa");
    openssl("genpkey", "-algorithm", "x25519", "-out", rsa.toString());
    Files.setPosixFilePermissions(rsa, PosixFilePermissions.fromString("rw-------"));
    bad(() -> SigningKey.read(rsa), "no Ed25519 private key");
    Path ours = folder.resolve("ours");
    SigningKey.generate("ours").write(ours);
    bad(() -> VerifyKey.read(ours), "'PRIVATE KEY', wanted is a 'PUBLIC KEY'");
    bad(() -> VerifyKey.read(Files.writeString(folder.resolve("x"), "hello")), "PEM");
    bad(
        () ->
            VerifyKey.read(
                Files.writeString(
                    folder.resolve("y"),
                    "-----BEGIN PUBLIC KEY-----\nAAAA=AAA\n-----END PUBLIC KEY-----\n")),
        "Base64");
    bad(() -> VerifyKey.read(Files.write(folder.resolve("z"), new byte[1 << 20])), "larger");
    bad(() -> VerifyKey.read(folder.resolve("nowhere")), "cannot be read");
    Path twice =
        Files.writeString(
            folder.resolve("twice"), Files.readString(folder.resolve("ours.pub")).repeat(2));
    bad(() -> VerifyKey.read(twice), "one PEM block");
  }

  @Test
  void judgementNeedsAGoodSignatureOfATrustedKeyAndNoneThatIsForged() throws IOException {
    Path trusted = Files.createDirectory(folder.resolve("trusted"));
    SigningKey friend = SigningKey.generate("friend");
    friend.write(folder.resolve("friend"));
    Files.copy(folder.resolve("friend.pub"), trusted.resolve("friend.pub"));
    SigningKey stranger = SigningKey.generate("stranger");
    TrustedKeys keys = TrustedKeys.in(trusted);

    Verdict good = keys.judge(TEXT, List.of(stranger.sign(TEXT), friend.sign(TEXT)));
    assertThat(good).isInstanceOf(Verdict.Trusted.class);
    assertThat(good.require("f", false)).isEmpty();

    Verdict unsigned = keys.judge(TEXT, List.of());
    refused(TrustRefusal.BundleUnsigned.class, () -> unsigned.require("f", false));
    assertThat(unsigned.require("f", true)).get().asString().contains("not signed");

    Verdict unknown = keys.judge(TEXT, List.of(stranger.sign(TEXT)));
    refused(TrustRefusal.SignerUnknown.class, () -> unknown.require("f", false));
    assertThat(unknown.require("f", true)).get().asString().contains(stranger.verifyKey().id());

    BundleSignature pretended =
        new BundleSignature(friend.verifyKey().id(), stranger.sign(TEXT).value());
    for (List<BundleSignature> signatures :
        List.of(
            List.of(pretended),
            List.of(friend.sign(Bytes.zeros(1))),
            List.of(new BundleSignature(friend.verifyKey().id(), Bytes.zeros(64))))) {
      Verdict forged = keys.judge(TEXT, signatures);
      refused(TrustRefusal.SignatureBad.class, () -> forged.require("f", false));
      refused(TrustRefusal.SignatureBad.class, () -> forged.require("f", true));
    }
    assertThat(TrustedKeys.in(folder.resolve("none")).judge(TEXT, List.of(friend.sign(TEXT))))
        .isInstanceOf(Verdict.UnknownSigner.class);
  }

  private static void bad(ThrowingCallable reading, String detail) {
    assertThat(refused(InputRefusal.BadKey.class, reading).message()).contains(detail);
  }

  private static Refusal refused(Class<? extends Refusal> kind, ThrowingCallable operation) {
    Refusal[] refusal = new Refusal[1];
    assertThatThrownBy(operation)
        .isInstanceOfSatisfying(RefusedException.class, e -> refusal[0] = e.refusal());
    assertThat(refusal[0]).isInstanceOf(kind);
    return refusal[0];
  }

  private static String verify(Path key, Path text, Path signature) throws Exception {
    return openssl(
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        key.toString(),
        "-rawin",
        "-in",
        text.toString(),
        "-sigfile",
        signature.toString());
  }

  private static String openssl(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }
}
