package org.lucos.bridge.libvirt;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bridge.domain.DomainRefusal;
import org.lucos.bridge.domain.DomainState;
import org.lucos.bridge.jna.LibvirtConnection;

class DomainXmlTest {

  @Test
  void whatMattersIsRead() {
    assertThat(
            DomainXml.parse(
                "<domain type='kvm' id='3'><name>a</name><os><type arch='x86_64'"
                    + " machine='q35'>hvm</type></os>"
                    + "<launchSecurity type='sev'><policy>3</policy></launchSecurity></domain>"))
        .contains(new DomainXml("kvm", "x86_64", Optional.of("sev")));
    assertThat(
            DomainXml.parse(
                "<domain type='qemu'><os><type arch='aarch64'>hvm</type></os>"
                    + "<metadata><launchSecurity type='no'/></metadata></domain>"))
        .contains(new DomainXml("qemu", "aarch64", Optional.empty()));
    assertThat(DomainXml.parse("<domain type='xen'/>"))
        .contains(new DomainXml("xen", "", Optional.empty()));
  }

  @Test
  void channelsAreFoundByName() {
    String xml =
        "<domain type='kvm'><devices>"
            + "<channel type='unix'><source mode='bind' path='/run/other'/>"
            + "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
            + "<channel type='pty'><source path='/dev/pts/1'/><target name='pty.0'/></channel>"
            + "<channel type='unix'><source mode='bind' path='/run/agent'/>"
            + "<target type='virtio' name='org.lucos.agent.0' state='connected'/></channel>"
            + "<channel type='unix'><target type='virtio' name='not.started.0'/></channel>"
            + "<channel type='unix'><source mode='bind' path='/run/nobody'/>"
            + "<target type='virtio' name='nobody.0' state='disconnected'/></channel>"
            + "</devices></domain>";
    assertThat(DomainXml.channelSocket(xml, "org.lucos.agent.0")).contains(Path.of("/run/agent"));
    assertThat(DomainXml.channelSocket(xml, "pty.0")).isEmpty();
    assertThat(DomainXml.channelSocket(xml, "not.started.0")).isEmpty();
    assertThat(DomainXml.channelSocket(xml, "nobody.0")).isEmpty();
    assertThat(DomainXml.channelSocket(xml, "nowhere")).isEmpty();
    assertThat(DomainXml.channelSocket("<domain/>", "a")).isEmpty();
    assertThat(DomainXml.channelSocket("no xml", "a")).isEmpty();
  }

  @Test
  void descriptionThatDoesNotFitIsRefused() {
    assertThat(new DomainXml("kvm", "x86_64", Optional.empty()).refusal("a")).isEmpty();
    assertThat(new DomainXml("xen", "x86_64", Optional.empty()).refusal("a"))
        .contains(new DomainRefusal.UnsupportedHypervisor("a", "xen"));
    assertThat(new DomainXml("qemu", "i686", Optional.empty()).refusal("a"))
        .contains(new DomainRefusal.NotX8664("a", "i686"));
    assertThat(new DomainXml("kvm", "x86_64", Optional.of("sev-snp")).refusal("a"))
        .contains(new DomainRefusal.Encrypted("a", "sev-snp"));
  }

  @Test
  void whatIsNoDomainIsNotTakenForOne() {
    assertThat(DomainXml.parse("<network/>")).isEmpty();
    assertThat(DomainXml.parse("")).isEmpty();
    assertThat(DomainXml.parse("<domain")).isEmpty();
  }

  @Test
  void nothingOutsideIsRead() {
    assertThat(
            DomainXml.parse(
                "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>"
                    + "<domain type='qemu'><os><type arch='x86_64'>&x;</type></os></domain>"))
        .satisfiesAnyOf(
            none -> assertThat(none).isEmpty(),
            some -> assertThat(some).contains(new DomainXml("qemu", "x86_64", Optional.empty())));
  }

  @ParameterizedTest
  @CsvSource({
    "1,0,",
    "2,0,",
    "3,1,",
    "3,2,Migrating",
    "3,3,Migrating",
    "3,4,Migrating",
    "3,11,Migrating",
    "4,0,NotRunning",
    "5,0,NotRunning",
    "6,0,NotRunning",
    "7,0,NotRunning",
    "0,0,NotRunning",
    "99,0,NotRunning"
  })
  void statesThatCannotBeWorkedOnAreRefused(int state, int reason, @Nullable String refusal) {
    assertThat(
            LibvirtState.refusal("a", Optional.of(new LibvirtConnection.State(state, reason)))
                .map(found -> found.getClass().getSimpleName()))
        .isEqualTo(Optional.ofNullable(refusal));
  }

  @Test
  void domainWithoutStateIsShutOff() {
    assertThat(LibvirtState.refusal("a", Optional.empty()))
        .contains(new DomainRefusal.NotRunning("a", DomainState.SHUT_OFF));
  }
}
