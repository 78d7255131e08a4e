package org.ebflow.training.data;

import java.net.URI;

/**
 * A published file.
 *
 * @param folder of the data folder where it lies
 * @param name within that folder
 * @param uri where the public original is found, HTTPS
 * @param bytes length of the original
 * @param sha256 of the original, hexadecimal
 */
record DataFile(String folder, String name, URI uri, long bytes, String sha256) {
  static DataFile of(String folder, String name, String base, long bytes, String sha256) {
    return new DataFile(folder, name, URI.create(base + name), bytes, sha256);
  }
}
