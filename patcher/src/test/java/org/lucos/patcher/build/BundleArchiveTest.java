package org.lucos.patcher.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.patcher.bytes.ByteWriter;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;

class BundleArchiveTest {
  private static final int LOCAL_FLAGS = 6;
  private static final int LOCAL_NAME = 30;

  private static Bytes text(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] two() {
    Map<String, Bytes> entries = new LinkedHashMap<>();
    entries.put("aaaa", text("first"));
    entries.put("bbbb", text("second"));
    return BundleArchive.write(entries);
  }

  private static void assertMalformed(byte[] bytes, String detail) {
    assertThatThrownBy(() -> BundleArchive.read("test", bytes))
        .isInstanceOf(MalformedDataException.class)
        .hasMessageContaining(detail);
  }

  @Test
  void entriesComeBackInTheirOrder() {
    assertThat(BundleArchive.read("test", two()))
        .containsExactly(Map.entry("aaaa", text("first")), Map.entry("bbbb", text("second")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../aa", "/aaa", "a/../b", "a//b", "a/", ".", "..", "a/..", "", "a\\b", "a\0b", "C:aa",
        "a b"
      })
  void namesThatLeadOutOfAFolderAreNone(String name) {
    assertThat(BundleArchive.isName(name)).isFalse();
    if (name.length() == 4) {
      byte[] bytes = two();
      System.arraycopy(name.getBytes(StandardCharsets.US_ASCII), 0, bytes, LOCAL_NAME, 4);
      assertMalformed(bytes, "unsafe entry name");
    }
  }

  @Test
  void anEntryTwiceIsRefused() {
    byte[] bytes = two();
    int second = LOCAL_NAME + 4 + 5;
    System.arraycopy("aaaa".getBytes(StandardCharsets.US_ASCII), 0, bytes, second + LOCAL_NAME, 4);
    assertMalformed(bytes, "entry twice: aaaa");
  }

  @Test
  void encryptedEntriesAreRefused() {
    byte[] bytes = two();
    bytes[LOCAL_FLAGS] = 1;
    assertMalformed(bytes, "encrypted");
  }

  @Test
  void compressedEntriesAreRefusedSoThatNothingIsLargerThanTheFile() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("bomb"));
      zip.write(new byte[50 << 20]);
    }
    assertMalformed(out.toByteArray(), "compressed entry: bomb, method=8");
    byte[] unknown = two();
    unknown[LOCAL_FLAGS + 2] = 99;
    assertMalformed(unknown, "method=99");
  }

  @Test
  void archivesOfOtherToolsAreRefusedEvenIfStored() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      ZipEntry entry = new ZipEntry("aaaa");
      CRC32 sum = new CRC32();
      sum.update(text("first").toArray());
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(5);
      entry.setCrc(sum.getValue());
      zip.putNextEntry(entry);
      zip.write(text("first").toArray());
    }
    assertMalformed(out.toByteArray(), "unexpected header");
  }

  @Test
  void contentThatDoesNotHaveItsChecksumIsRefused() {
    byte[] bytes = two();
    bytes[LOCAL_NAME + 4] ^= 1;
    assertMalformed(bytes, "damaged content, of aaaa");
  }

  @Test
  void sizesThatReachBeyondTheFileAreRefused() {
    byte[] bytes = two();
    for (int i = 0; i < 8; i++) {
      bytes[18 + i] = (byte) 0xff;
    }
    assertMalformed(bytes, "data ends early");
  }

  @Test
  void aDirectoryThatListsOtherEntriesThanThereAreIsRefused() {
    byte[] good = two();
    int directory = good.length - 22 - 2 * (46 + 4);
    for (int at : new int[] {directory + 10, directory + 42, directory + 46, good.length - 12}) {
      byte[] bytes = good.clone();
      bytes[at] ^= 1;
      assertMalformed(bytes, "the directory is not that of the entries");
    }
  }

  @Test
  void bytesBehindTheEndAndACommentAreRefused() {
    assertMalformed(new ByteWriter().bytes(two()).u8(0).toArray(), "behind the end");
    byte[] comment = new ByteWriter().bytes(two()).u8('x').toArray();
    comment[comment.length - 3] = 1;
    assertMalformed(comment, "directory");
  }

  @Test
  void moreEntriesThanAnyBundleHasAreRefused() {
    ByteWriter out = new ByteWriter();
    Map<String, Bytes> one = new LinkedHashMap<>();
    for (int i = 0; i <= BundleArchive.MOST_ENTRIES; i++) {
      one.clear();
      one.put("entry" + i, Bytes.EMPTY);
      byte[] archive = BundleArchive.write(one);
      out.bytes(Bytes.of(archive).slice(0, LOCAL_NAME + ("entry" + i).length()));
    }
    assertMalformed(out.toArray(), "more than");
  }
}
