-- question: What was imported, from which files, and what was set aside?
-- parameter :format (optional) such as flow-logs
-- column recorded_at: when it was imported
-- column format: what the files were read as
-- column cluster: cluster they were imported for
-- column file: path as it was given
-- column bytes: size of the file
-- column sha256: digest of the file
-- column accepted: records taken from the file
-- column rejected: records of the file set aside
-- column skipped_duplicates: records of the whole import that were there already
-- column imported_by: who imported it
-- column import: identity of the import
-- column position: place in the log
SELECT i.recorded_at, i.format, i.cluster, f.name AS file, f.bytes, f.sha256, f.accepted, f.rejected,
  i.skipped_duplicates, i.imported_by, i.import, i.position
FROM imports AS i LEFT JOIN import_files AS f ON f.import = i.import
WHERE :format IS NULL OR i.format = :format
ORDER BY i.recorded_us, i.position, f.name;
