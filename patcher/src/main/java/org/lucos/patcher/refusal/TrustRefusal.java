package org.lucos.patcher.refusal;

/** Nobody whom the operator trusts stands for what is to be used. */
public sealed interface TrustRefusal extends Refusal {
  @Override
  default ExitCode exitCode() {
    return ExitCode.NOT_TRUSTED;
  }

  /** A bundle without a signature. */
  record BundleUnsigned(String file) implements TrustRefusal {
    @Override
    public String message() {
      return "'" + file + "' is not signed";
    }

    @Override
    public String remedy() {
      return "look at it with 'lucos inspect', sign it with 'lucos sign', or use --allow-unsigned";
    }
  }

  /** A bundle signed with keys that are not known here. */
  record SignerUnknown(String file, String keyIds, String directory) implements TrustRefusal {
    @Override
    public String message() {
      return "'" + file + "' is signed by unknown key " + keyIds;
    }

    @Override
    public String remedy() {
      return "put the signer's public key into " + directory + " as NAME.pub if you trust it";
    }
  }

  /** A signature that was not made of this manifest with the key it names. */
  record SignatureBad(String file, String key) implements TrustRefusal {
    @Override
    public String message() {
      return "'" + file + "' was changed after it was signed: bad signature of key " + key;
    }

    @Override
    public String remedy() {
      return "do not use it; get the bundle again from its signer";
    }
  }

  /** A key file that others may read, or replace. */
  record KeyExposed(String file, String permissions, String fix) implements TrustRefusal {
    @Override
    public String message() {
      return "'" + file + "' is open to others than its owner: " + permissions;
    }

    @Override
    public String remedy() {
      return "check that nobody has used that, then run '" + fix + "'";
    }
  }
}
