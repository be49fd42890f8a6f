// The text of a release: an item for each changeset, as it was written. All packages have the same version, so none lists the others.
module.exports = {
  getReleaseLine: async ({ summary }) => `- ${summary.trim().replaceAll(/\n(?=.)/g, "\n  ")}`,
  getDependencyReleaseLine: async () => ""
}
