import type { BlobName, BlobStore } from "@reprise/store";

/** Whether a blob is in the store; if it is, it is marked as used now, so that no garbage collection takes it. */
export async function storeKnown(blobs: BlobStore, known: BlobName): Promise<boolean> {
  try {
    // The store asks for the content only if it does not have it.
    await blobs.put(refuse(), { known });
    return true;
  } catch (error) {
    if (error instanceof NotThere) return false;
    throw error;
  }
}

class NotThere extends Error {}

// oxlint-disable-next-line require-yield
async function* refuse(): AsyncGenerator<Uint8Array, void, undefined> {
  throw new NotThere("the store does not have the blob");
}
