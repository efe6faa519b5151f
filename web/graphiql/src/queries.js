// What the tabs show at first.

export const newestChanges = `# The twenty newest entries of the log, and what each changed.
# Ctrl-Enter (Cmd-Enter on a Mac) runs the query; Ctrl-Space completes names.

query NewestChanges {
  auditLogs(first: 20) {
    edges {
      node {
        id
        timestamp
        action
        tableName
        recordId
        username
        changes {
          field
          old
          new
        }
      }
    }
  }
}
`;

export const liveChanges = `# Every change as it is committed. Run it, change a tracked table, and look.

subscription LiveChanges {
  auditLogAdded {
    cursor
    auditLog {
      id
      timestamp
      action
      tableName
      recordId
      username
      changes {
        field
        old
        new
      }
    }
  }
}
`;
