use super::*;
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// Answers with what the test has put on it, and counts.
#[derive(Clone, Default)]
struct Desk(Arc<(Mutex<Option<Kept>>, AtomicUsize)>);

impl Desk {
    fn holds(&self, secret: &str, fresh: Option<Duration>) {
        *self.0.0.lock().unwrap() = Some(Kept {
            secret: secret.to_owned(),
            second: None,
            fresh,
        });
    }

    fn is_empty(&self) {
        *self.0.0.lock().unwrap() = None;
    }

    fn reads(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Keeper for Desk {
    async fn read(&self) -> Result<Kept, Unminted> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let kept = self.0.0.lock().unwrap().clone();
        kept.ok_or_else(|| Unminted::later("nothing there"))
    }

    async fn replace(&self, _: &str) -> Result<(), String> {
        Err("no place".to_owned())
    }
}

fn text(live: &Live) -> &str {
    match live.used() {
        Use::Text(text) => text,
        _ => "",
    }
}

#[tokio::test]
async fn a_secret_is_read_once_for_many_requests_that_come_together() {
    let desk = Desk::default();
    desk.holds("first", None);
    let minter = Minter::new(None, Box::new(desk.clone()));
    let all = futures::future::join_all((0..20).map(|_| minter.current())).await;
    assert!(all.iter().all(|live| text(live.as_ref().unwrap()) == "first"));
    assert_eq!(desk.reads(), 1);
}

#[tokio::test]
async fn one_that_has_ended_is_made_anew_and_says_why_where_that_fails() {
    let desk = Desk::default();
    desk.holds("first", Some(Duration::ZERO));
    let minter = Minter::new(None, Box::new(desk.clone()));
    assert_eq!(text(&minter.current().await.unwrap()), "first");
    desk.holds("second", Some(Duration::ZERO));
    assert_eq!(text(&minter.current().await.unwrap()), "second");
    desk.is_empty();
    let error = minter.current().await.unwrap_err();
    assert!(!error.refused);
    assert_eq!(minter.status().error.as_deref(), Some("nothing there"));
    desk.holds("third", None);
    assert_eq!(text(&minter.current().await.unwrap()), "third");
    assert_eq!(minter.status().error, None);
}

#[tokio::test]
async fn one_that_is_only_due_is_used_on_while_it_cannot_be_made() {
    let desk = Desk::default();
    desk.holds("first", Some(Duration::from_secs(3600)));
    let minter = Minter::new(None, Box::new(desk.clone()));
    let live = minter.current().await.unwrap();
    desk.is_empty();
    assert_eq!(text(&minter.renew(Some(&live)).await.unwrap()), "first");
    assert!(minter.status().error.is_some());
}

#[tokio::test]
async fn a_refused_secret_is_read_again_once_a_second() {
    let desk = Desk::default();
    desk.holds("first", None);
    let minter = Minter::new(None, Box::new(desk.clone()));
    let first = minter.current().await.unwrap();
    desk.holds("second", None);
    let all = futures::future::join_all((0..5).map(|_| minter.instead_of(&first))).await;
    assert!(all.iter().all(|live| text(live.as_ref().unwrap()) == "second"));
    assert_eq!(desk.reads(), 2, "those who came together had it read once");
    let second = all[0].clone().unwrap();
    desk.holds("third", None);
    assert!(minter.instead_of(&second).await.is_none(), "it was read just now");
    assert_eq!(desk.reads(), 2);
    let third = minter.renew(Some(&second)).await.unwrap();
    assert!(
        minter.instead_of(&second).await.unwrap().is(&third),
        "somebody has read it since"
    );
}

#[tokio::test]
async fn what_was_used_before_is_cut_out_of_answers_too() {
    let desk = Desk::default();
    let minter = Minter::new(None, Box::new(desk.clone()));
    let mut live = None;
    for secret in ["first-secret", "second-secret", "second-secret", "third-secret"] {
        desk.holds(secret, None);
        live = Some(minter.renew(live.as_ref()).await.unwrap());
    }
    let live = live.unwrap();
    let mut answer = b"first-secret c2Vjb25kLXNlY3JldA== third-secret fourth-secret".to_vec();
    live.redactor().bytes(&mut answer);
    let stars = |n| "*".repeat(n);
    let expected = format!("{} {} {} fourth-secret", stars(12), stars(20), stars(12));
    assert_eq!(String::from_utf8_lossy(&answer), expected);
    assert_eq!(text(&live), "third-secret");
}
