import type { ManagerKind } from "./unit_file.ts";

/** Whose GPUs a service may use. */
export type GpuKind = "none" | "nvidia" | "amd" | "intel";

/** Something that a service must be able to read, though it lies where other users cannot look. */
export interface ReadablePath {
  /** Absolute path. It stays the same inside of the service. */
  readonly path: string;
  /**
   * The directory above it that is closed to other users, such as `/usr/share/ollama`: the service sees it empty but for
   * `path`. Not needed below `/home`, `/root` and `/run/user`.
   */
  readonly closedBy?: string | undefined;
}

/** What every service of ours is told. All of it is data: nothing is looked up here. */
export interface ServiceOptions {
  /** Which systemd runs it. That of a user has no way to shut a service off from the network, nor from devices. */
  readonly manager: ManagerKind;
  /** Of sollol, for the comment at the top. */
  readonly version: string;
  /** What the names of its units and of its own directories begin with. Default: the usual name of its kind. */
  readonly stem?: string | undefined;
  /** Whose GPUs it may use. Default `none`. */
  readonly gpu?: GpuKind | undefined;
  /** Groups that it is in beside its own, such as `render` and `video`; each must exist on the host. */
  readonly groups?: readonly string[] | undefined;
  /** What it must be able to read where other users cannot look. */
  readonly readablePaths?: readonly ReadablePath[] | undefined;
  /** Added to its environment, where every user of the host can read it. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Most memory of it and its children; beyond it is killed. Default: no limit. */
  readonly memoryMaxBytes?: number | undefined;
}
