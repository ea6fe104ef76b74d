select frm nothing where
