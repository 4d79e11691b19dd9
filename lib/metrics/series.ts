/** A metric that can write itself in Prometheus' text format. */
export interface Series {
  /** Its `# HELP` and `# TYPE` lines and its samples, each line ended by a line feed. */
  render(): string;
}

/**
 * A sum that only grows, one for each combination of label values.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ version 0.0.4
 */
export class Counter implements Series {
  readonly #samples = new Map<string, number>();

  /**
   * Has no samples before the first count.
   *
   * @param name Ends in `_total` by convention.
   */
  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly labelNames: readonly string[],
  ) {}

  /** Counts one. @param labelValues In the order of the label names. */
  increment(...labelValues: readonly (string | number)[]): void {
    const labels = labelled(this.labelNames, labelValues);
    this.#samples.set(labels, (this.#samples.get(labels) ?? 0) + 1);
  }

  /** Every combination of label values that was counted. */
  render(): string {
    const samples = [...this.#samples].map(([labels, value]) => `${this.name}{${labels}} ${value}\n`);
    return head(this.name, this.help, "counter") + samples.join("");
  }
}

/** A value that rises and falls. */
export class Gauge implements Series {
  #value = 0;

  /** Starts at 0. */
  constructor(private readonly name: string, private readonly help: string) {}

  /** Adds to the value; negative amounts take away. */
  add(amount: number): void {
    this.#value += amount;
  }

  /** The value now. */
  get value(): number {
    return this.#value;
  }

  /** The value now, as Prometheus reads it. */
  render(): string {
    return `${head(this.name, this.help, "gauge")}${this.name} ${this.#value}\n`;
  }
}

/** Values that somebody else keeps, read when they are asked for. */
export class ObservedGauge implements Series {
  /** `observe` gives each value with its labels, in the order of the label names. */
  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly labelNames: readonly string[],
    private readonly observe: () => Iterable<readonly [labelValues: readonly string[], value: number]>,
  ) {}

  /** The values now. */
  render(): string {
    const samples = [...this.observe()].map(([labelValues, value]) =>
      `${this.name}{${labelled(this.labelNames, labelValues)}} ${value}\n`
    );
    return head(this.name, this.help, "gauge") + samples.join("");
  }
}

/** How often values fell below each of some bounds, for quantiles over many processes. */
export class Histogram implements Series {
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /**
   * Has noted nothing yet.
   *
   * @param bounds Upper bounds in rising order, in the unit that the name ends in.
   */
  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly bounds: readonly number[],
  ) {
    this.#counts = bounds.map(() => 0);
  }

  /** Takes note of one value. */
  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const bucket = this.bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.#counts[bucket]!++;
  }

  /** Buckets are cumulative, and the last one holds all. */
  render(): string {
    let cumulative = 0;
    const buckets = this.bounds.map((bound, index) => {
      cumulative += this.#counts[index]!;
      return `${this.name}_bucket{le="${bound}"} ${cumulative}\n`;
    });
    return [
      head(this.name, this.help, "histogram"),
      ...buckets,
      `${this.name}_bucket{le="+Inf"} ${this.#count}\n`,
      `${this.name}_sum ${this.#sum}\n`,
      `${this.name}_count ${this.#count}\n`,
    ].join("");
  }
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function labelled(names: readonly string[], values: readonly (string | number)[]): string {
  return names.map((name, index) => `${name}="${escaped(String(values[index]))}"`).join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
