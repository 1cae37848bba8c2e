import fc from "fast-check";

// The same examples each time.
fc.configureGlobal({ seed: 1 });
