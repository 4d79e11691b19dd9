if (import.meta.main) Deno.exit(0);
