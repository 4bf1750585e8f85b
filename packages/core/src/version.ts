/** Version of reprise; the same as in the manifest of the published package. */
export const version = "0.1.0";
