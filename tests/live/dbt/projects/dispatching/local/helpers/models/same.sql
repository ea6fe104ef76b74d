select '{{ this.name }} of helpers' as x
