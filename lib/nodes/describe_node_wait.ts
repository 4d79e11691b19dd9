/** Who waits for a slot of a node. */
export interface SlotWait {
  /** The model's name. */
  readonly model: string;
  /** Names of the nodes that could serve it. */
  readonly nodes: readonly string[];
  /** How many wait for the same, this one too. */
  readonly waitingCount: number;
}

/** What a request waits for whose nodes have all that they get; it follows "waits for". */
export function describeSlotWait({ model, nodes, waitingCount }: SlotWait): string {
  const crowd = waitingCount > 1 ? `, as ${waitingCount} do` : "";
  if (nodes.length === 1) return `a slot of ${nodes[0]}, which holds "${model}"${crowd}`;
  return `a slot of one of ${nodes.length} nodes that hold "${model}"${crowd}`;
}

/** What a request waits for whose node sleeps; it follows "waits for". */
export function describeWake(name: string): string {
  return `${name} to wake up`;
}
