package org.lucos.bridge.libvirt;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.SecureXml;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * What of a domain's XML description matters here.
 *
 * @param type such as {@code kvm}, {@code qemu}, {@code xen}
 * @param architecture such as {@code x86_64}; empty if not given
 * @param launchSecurity such as {@code sev}; empty if the guest's memory is open to the host
 */
record DomainXml(String type, String architecture, Optional<String> launchSecurity) {

  private static final Set<String> QEMU_TYPES = Set.of("qemu", "kvm");
  private static final String X86_64 = "x86_64";

  /** Why domain {@code name}, described so, cannot be worked on; empty if it can. */
  Optional<DomainRefusal> refusal(String name) {
    if (!QEMU_TYPES.contains(type)) {
      return Optional.of(new DomainRefusal.UnsupportedHypervisor(name, type));
    }
    if (!architecture.equals(X86_64)) {
      return Optional.of(new DomainRefusal.NotX8664(name, architecture));
    }
    return launchSecurity.map(technology -> new DomainRefusal.Encrypted(name, technology));
  }

  /** Reads a description; empty if it is none. */
  static Optional<DomainXml> parse(String xml) {
    return SecureXml.parse(xml)
        .filter(root -> root.getTagName().equals("domain"))
        .map(
            root ->
                new DomainXml(
                    root.getAttribute("type"),
                    child(root, "os")
                        .flatMap(os -> child(os, "type"))
                        .map(type -> type.getAttribute("arch"))
                        .orElse(""),
                    child(root, "launchSecurity").map(element -> element.getAttribute("type"))));
  }

  /**
   * Where the host's end of a channel of a running domain is, if that is a Unix socket and the
   * hypervisor does not say that nobody in the guest has opened the other end.
   */
  static Optional<Path> channelSocket(String xml, String name) {
    Optional<Element> devices = SecureXml.parse(xml).flatMap(root -> child(root, "devices"));
    Node node = devices.map(Node::getFirstChild).orElse(null);
    for (; node != null; node = node.getNextSibling()) {
      if (node instanceof Element channel
          && channel.getTagName().equals("channel")
          && channel.getAttribute("type").equals("unix")
          && child(channel, "target")
              .filter(target -> target.getAttribute("name").equals(name))
              .filter(target -> !target.getAttribute("state").equals("disconnected"))
              .isPresent()) {
        return child(channel, "source")
            .map(source -> source.getAttribute("path"))
            .filter(path -> path.startsWith("/"))
            .map(Path::of);
      }
    }
    return Optional.empty();
  }

  private static Optional<Element> child(Element parent, String name) {
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && element.getTagName().equals(name)) {
        return Optional.of(element);
      }
    }
    return Optional.empty();
  }
}
