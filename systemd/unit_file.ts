/** Which systemd runs a unit: that of the host, or that of one user. */
export type ManagerKind = "system" | "user";

/** A unit as it lies on disk. */
export interface UnitFile {
  /** With its suffix, such as `sollol.service` or `sollol-rpc@.service`. */
  readonly name: string;
  /** All of it; ends with a newline. */
  readonly text: string;
}
