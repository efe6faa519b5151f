//! Circles in a graph: Tarjan's algorithm, without recursion, since what hangs on a row may be a long chain.

/// The nodes in an order in which each comes after those that it needs, as near to their own order as that allows. Those
/// that need each other in a circle come together, in their own order.
pub(super) fn components(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut walk = Walk {
        needs,
        number: vec![None; needs.len()],
        lowest: vec![0; needs.len()],
        open: Vec::new(),
        is_open: vec![false; needs.len()],
        found: Vec::new(),
        next: 0,
    };
    for node in 0..needs.len() {
        if walk.number[node].is_none() {
            walk.from(node);
        }
    }
    walk.found
}

struct Walk<'a> {
    needs: &'a [Vec<usize>],
    number: Vec<Option<usize>>,
    lowest: Vec<usize>,
    open: Vec<usize>,
    is_open: Vec<bool>,
    found: Vec<Vec<usize>>,
    next: usize,
}

impl Walk<'_> {
    fn enter(&mut self, node: usize) {
        self.number[node] = Some(self.next);
        self.lowest[node] = self.next;
        self.next += 1;
        self.open.push(node);
        self.is_open[node] = true;
    }

    fn from(&mut self, root: usize) {
        self.enter(root);
        // Each node on the way, and which of its needs comes next.
        let mut way = vec![(root, 0)];
        while let Some((node, place)) = way.last_mut() {
            let node = *node;
            if let Some(&needed) = self.needs[node].get(*place) {
                *place += 1;
                match self.number[needed] {
                    None => {
                        self.enter(needed);
                        way.push((needed, 0));
                    }
                    Some(number) if self.is_open[needed] => self.lowest[node] = self.lowest[node].min(number),
                    Some(_) => {}
                }
                continue;
            }
            way.pop();
            if let Some((before, _)) = way.last() {
                self.lowest[*before] = self.lowest[*before].min(self.lowest[node]);
            }
            if self.number[node] == Some(self.lowest[node]) {
                self.close(node);
            }
        }
    }

    fn close(&mut self, node: usize) {
        let from = self.open.iter().rposition(|open| *open == node).unwrap_or(0);
        let mut component = self.open.split_off(from);
        component.iter().for_each(|member| self.is_open[*member] = false);
        component.sort_unstable();
        self.found.push(component);
    }
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn what_needs_nothing_keeps_its_order() {
        assert_eq!(components(&[vec![], vec![], vec![]]), [[0], [1], [2]]);
    }

    #[test]
    fn what_is_needed_comes_first_and_the_rest_stays() {
        assert_eq!(components(&[vec![3], vec![], vec![0], vec![]]), [[3], [0], [1], [2]]);
    }

    #[test]
    fn a_circle_comes_together() {
        let needs = [vec![1, 4], vec![2], vec![0, 3], vec![], vec![]];
        assert_eq!(components(&needs), [vec![3], vec![4], vec![0, 1, 2]]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let needs: Vec<Vec<usize>> =
            (0..200_000).map(|node| Vec::from_iter((node < 199_999).then_some(node + 1))).collect();
        assert_eq!(components(&needs).len(), 200_000);
    }
}
