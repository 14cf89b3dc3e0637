//! A DNS server whose answers a test decides, one after another: what a rebinding name does.

use hickory_proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME},
    },
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::UdpSocket;

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Dns {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

/// One answer: addresses, or a name to ask instead.
type Answer = Vec<String>;

#[derive(Default)]
struct Zone {
    names: HashMap<String, Vec<Answer>>,
    /// How often each name was asked for each type.
    asked: HashMap<(String, RecordType), usize>,
}

impl Dns {
    /// Starts one that knows no name.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let zone = Arc::<Mutex<Zone>>::default();
        let knows = zone.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok((n, from)) = socket.recv_from(&mut bytes).await {
                let answer = knows.lock().unwrap_or_else(PoisonError::into_inner).answer(&bytes[..n]);
                if let Some(answer) = answer {
                    drop(socket.send_to(&answer, from).await);
                }
            }
        });
        Self { address, zone }
    }

    /// Where it answers: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What it says of a name: the first answer to the first question, and so on; the last one stands. An answer is a list of
    /// addresses, or of one name that the name stands for. None of it may be kept (a TTL of 0).
    pub fn says(&self, name: &str, answers: &[&[&str]]) {
        let answer = |texts: &&[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut zone = self.zone.lock().unwrap_or_else(PoisonError::into_inner);
        zone.names.insert(name.to_owned(), answers.iter().map(answer).collect());
        zone.asked.retain(|(asked, _), _| asked != name);
    }

    /// How often it was asked for the IPv4 addresses of a name.
    pub fn asked(&self, name: &str) -> usize {
        let zone = self.zone.lock().unwrap_or_else(PoisonError::into_inner);
        zone.asked.get(&(name.to_owned(), RecordType::A)).copied().unwrap_or(0)
    }
}

impl Zone {
    fn answer(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let query = question.queries.first()?.clone();
        let (mut owner, of) = (query.name().clone(), query.query_type());
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(query);
        // A chain of names that goes on for longer is cut.
        for _ in 0..8 {
            let Some(texts) = self.turn(&owner, of) else {
                answer.metadata.response_code = ResponseCode::NXDomain;
                break;
            };
            let mut instead = None;
            for text in texts {
                let data = match text.parse() {
                    Ok(IpAddr::V4(ip)) if of == RecordType::A => RData::A(A(ip)),
                    Ok(IpAddr::V6(ip)) if of == RecordType::AAAA => RData::AAAA(AAAA(ip)),
                    Ok(_) => continue,
                    Err(_) => {
                        let name = Name::from_ascii(format!("{text}.")).ok()?;
                        instead = Some(name.clone());
                        RData::CNAME(CNAME(name))
                    }
                };
                answer.add_answer(Record::from_rdata(owner.clone(), 0, data));
            }
            match instead {
                Some(name) => owner = name,
                None => break,
            }
        }
        answer.to_vec().ok()
    }

    fn turn(&mut self, name: &Name, of: RecordType) -> Option<Answer> {
        let name = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let answers = self.names.get(&name)?;
        let asked = self.asked.entry((name, of)).or_default();
        let answer = answers.get(*asked).or_else(|| answers.last()).cloned();
        *asked += 1;
        answer
    }
}
