"""One object carried through a stack: started, watched, corrected and accepted in the dock."""
