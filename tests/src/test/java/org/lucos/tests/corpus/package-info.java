/** A sample of the corpus, as {@code lucos-corpus} runs it. */
package org.lucos.tests.corpus;
