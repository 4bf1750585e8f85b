import { type BlobName, type BlobStore, type Home, openHome, ArtifactStore, LocalBlobStore } from "@reprise/store";
import { LocalRunner, type LocalRunnerOptions } from "../index.ts";

/** A blob store that begins to write only when it is told to. */
class SlowBlobs extends LocalBlobStore {
  readonly #before: () => Promise<void>;

  constructor(folder: string, before: () => Promise<void>) {
    super(folder);
    this.#before = before;
  }

  override async put(...args: Parameters<BlobStore["put"]>): Promise<BlobName> {
    await this.#before();
    return super.put(...args);
  }
}

/** A runner whose large values wait for `before` on their way to the disk. */
export class SlowRunner extends LocalRunner {
  readonly #path: string;
  readonly #before: () => Promise<void>;

  constructor(path: string, before: () => Promise<void>, options: Omit<LocalRunnerOptions, "home"> = {}) {
    super(options);
    this.#path = path;
    this.#before = before;
  }

  protected override async openHome(): Promise<Home> {
    const home = await openHome({ path: this.#path });
    const blobs = new SlowBlobs(`${this.#path}/blobs`, this.#before);
    const { path, backend, settings, cache, code } = home;
    const artifacts = new ArtifactStore(backend, blobs);
    return {
      path,
      backend,
      settings,
      cache,
      code,
      blobs,
      artifacts,
      makeWorkdir: () => home.makeWorkdir(),
      [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
    };
  }
}
